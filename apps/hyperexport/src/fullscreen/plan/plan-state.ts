import type { ExportPlan } from '@hypersdk/usecases';
import type { Key } from '../widgets/key.ts';
import { moveCursor } from '../widgets/scroll.ts';

/** What an export would do, once it is known. */
export type PlanState =
  | { readonly state: 'planning' }
  | { readonly state: 'failed'; readonly problem: string }
  | { readonly state: 'ready'; readonly plans: readonly ExportPlan[]; readonly cursor: number; readonly slowest?: string };

export type PlanWish = 'start' | 'back' | undefined;

export function reducePlan(plan: PlanState, key: Key, o: { readonly rows: number }): readonly [PlanState, PlanWish] {
  if (key.id === 'escape') return [plan, 'back'];
  if (plan.state !== 'ready') return [plan, undefined];
  const cursor = moveCursor(key, { cursor: plan.cursor, count: plan.plans.length, rows: o.rows });
  if (cursor !== undefined) return [{ ...plan, cursor }, undefined];
  return [plan, key.id === 'enter' && plan.plans.some(canStart) ? 'start' : undefined];
}

export const canStart = ({ findings }: ExportPlan): boolean => findings.every(({ severity }) => severity !== 'error');

/** What all of them need together where they go: each plan alone may fit while all of them do not. */
export function needOf(plans: readonly ExportPlan[]): { readonly needed: number; readonly free?: number } {
  const needed = plans.reduce((sum, { spaceNeeded }) => sum + spaceNeeded, 0);
  const free = plans[0]?.spaceFree;
  return free === undefined ? { needed } : { needed, free };
}
