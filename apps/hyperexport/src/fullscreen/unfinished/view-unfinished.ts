import type { HistoryEntry } from '@hypersdk/ports';
import { shortId } from '../../run-id.ts';
import type { Canvas } from '../list/view-list.ts';
import { toColumns } from '../widgets/columns.ts';
import { EMPTY, fitLine, fitRows, line, wrapText, type Line } from '../widgets/line.ts';
import { inSight } from '../widgets/scroll.ts';
import type { UnfinishedState } from './unfinished-state.ts';

const ROWS_AROUND = 7;

/** What earlier runs left, and the offer to go on with it. */
export function viewUnfinished({ entries, cursor, chosen }: UnfinishedState, canvas: Canvas): readonly Line[] {
  const shapes = [{ width: 6 }, { width: 16 }, { width: 11 }, { width: canvas.columns - 45 }] as const;
  const rows = inSight(entries, { cursor, rows: canvas.rows - ROWS_AROUND }).map(([entry, at]) => {
    const marks = `${at === cursor ? '>' : ' '} ${chosen.has(entry.id) ? '[x]' : '[ ]'} `;
    const row = line(marks + toColumns([shortId(entry.id), timeOf(entry), entry.state === 'running' ? 'killed' : entry.state, entry.source], shapes));
    return at === cursor ? fitLine(row, canvas.columns, { inverse: true }) : row;
  });
  const under = entries[cursor];
  const about = under
    ? [`to ${under.target}`, ...(under.error ? [under.error.message] : [])].flatMap((text) => wrapText(text, canvas.columns - 4))
    : [];
  return fitRows(
    [
      line('  These exports did not end. What was copied is kept, and they go on where they stopped.'),
      line(`      ${toColumns(['RUN', 'BEGUN', 'STATE', 'SOURCE'], shapes)}`, { bold: true }),
      ...rows,
      EMPTY,
      ...about.slice(0, 3).map((text) => line(`    ${text}`)),
    ],
    canvas.rows,
  );
}

const timeOf = ({ startedAt }: HistoryEntry): string => startedAt.slice(0, 16).replace('T', ' ');
