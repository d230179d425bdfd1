import { HyperError, type SourceEffect } from '@hypersdk/domain';
import type { ReapReport, ReapRequest } from '@hypersdk/usecases';
import { printable } from '../output/printable.ts';
import { formatTable } from '../output/table.ts';

/** Names of the VMs that are there, by their ids. */
export type VMNames = ReadonlyMap<string, string>;

type Wish = Pick<ReapRequest, 'dryRun' | 'unknownToo' | 'goneToo'>;

/** What became of each thing, the most urgent first. */
const sayings = (report: ReapReport, { dryRun }: Wish): readonly (readonly [string, readonly SourceEffect[]])[] => [
  [dryRun ? 'left over' : 'taken away', report.removed],
  [dryRun ? 'recorded, not found' : 'was gone', report.absent],
  ['of unknown origin', report.unknown],
  ['in use', report.inUse],
  ['kept, its export is gone', report.outlived],
  ['kept for increments', report.kept],
];

export function toResidueDocument(report: ReapReport, o: { readonly wish: Wish; readonly names: VMNames }): Readonly<Record<string, unknown>> {
  const named = (effect: SourceEffect): SourceEffect & { readonly vmName?: string } => {
    const vmName = o.names.get(effect.vm ?? '');
    return vmName === undefined ? effect : { ...effect, vmName };
  };
  const { removed, absent, inUse, kept, outlived, unknown, failed } = report;
  const lists = Object.entries({ removed, absent, inUse, kept, outlived, unknown }).map(([name, effects]) => [name, effects.map(named)] as const);
  return {
    ...Object.fromEntries(lists),
    failed: failed.map(({ effect, error }) => ({ effect: named(effect), error: toError(error) })),
    dryRun: o.wish.dryRun,
  };
}

export function describeResidue(report: ReapReport, { wish, names }: { readonly wish: Wish; readonly names: VMNames }): string {
  const toRow = (state: string, { kind, vm, name }: SourceEffect): readonly string[] => [
    state,
    kind,
    printable(names.get(vm ?? '') ?? vm ?? ''),
    name,
  ];
  const rows = [
    ...report.failed.map(({ effect, error }) => toRow(`failed: ${toError(error).message}`, effect)),
    ...sayings(report, wish).flatMap(([saying, effects]) => effects.map((effect) => toRow(saying, effect))),
  ];
  if (rows.length === 0) return 'Nothing of ours is there.\n';
  const columns = [{ title: 'STATE' }, { title: 'KIND' }, { title: 'VM' }, { title: 'NAME' }];
  return `${formatTable(columns, rows)}${hintFor(report, wish)}`;
}

function hintFor({ removed, absent, unknown, outlived }: ReapReport, { dryRun }: Wish): string {
  if (dryRun && removed.length + absent.length > 0) return '\n--remove takes away what is left over.\n';
  if (unknown.length > 0) return '\nWhat is of unknown origin was made from another machine; --remove --unknown-too takes it away.\n';
  if (outlived.length > 0) return '\nWhat was kept for exports that were deleted is taken away by --remove --gone-too.\n';
  return '';
}

const toError = (error: unknown): { readonly code: string; readonly message: string } =>
  error instanceof HyperError
    ? { code: error.code, message: error.message }
    : { code: 'internal/unexpected', message: error instanceof Error ? error.message : String(error) };
