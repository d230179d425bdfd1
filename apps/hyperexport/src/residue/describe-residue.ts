import { HyperError, type SourceEffect } from '@hypersdk/domain';
import type { ReapReport, ReapRequest } from '@hypersdk/usecases';
import { formatTable } from '../output/table.ts';

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

export function toResidueDocument(report: ReapReport, wish: Wish): Readonly<Record<string, unknown>> {
  return { ...report, dryRun: wish.dryRun, failed: report.failed.map(({ effect, error }) => ({ effect, error: toError(error) })) };
}

export function describeResidue(report: ReapReport, wish: Wish): string {
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

const toRow = (state: string, { kind, vm, name }: SourceEffect): readonly string[] => [state, kind, vm ?? '', name];

const toError = (error: unknown): { readonly code: string; readonly message: string } =>
  error instanceof HyperError
    ? { code: error.code, message: error.message }
    : { code: 'internal/unexpected', message: error instanceof Error ? error.message : String(error) };
