import { displayWidth } from '../../output/printable.ts';
import { span, type Line, type Span } from './line.ts';

/** A key as people read it, and what it does. */
export type KeyHint = readonly [key: string, does: string];

/** As many of the keys as fit into one row; the first are the most needed. */
export function keyRow(hints: readonly KeyHint[], width: number): Line {
  const spans: Span[] = [];
  let used = 0;
  for (const [key, does] of hints) {
    const gap = spans.length === 0 ? '' : '  ';
    used += gap.length + displayWidth(key) + 1 + displayWidth(does);
    if (used > width) break;
    spans.push(span(gap), span(key, { bold: true }), span(` ${does}`));
  }
  return spans;
}
