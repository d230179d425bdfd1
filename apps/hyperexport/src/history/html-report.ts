import { formatBytes } from '@hypersdk/domain';
import type { HistoryEntry } from '@hypersdk/ports';
import { printable } from '../output/printable.ts';
import { formatDuration } from '../progress/format-progress.ts';

/** Nothing is loaded and nothing runs: the page says so itself, so that a name that slipped through could do nothing either. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'";

// Colours have a contrast of 4.5 to 1 or more on their grounds (WCAG 2.2, 1.4.3), and every state is said in words too.
const STYLE = `
:root { color-scheme: light dark; --ink: #1b1f24; --paper: #ffffff; --line: #c9ced4; --good: #116329; --bad: #a40e26; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ed; --paper: #14171a; --line: #454c54; --good: #56d364; --bad: #ff9492; } }
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 80rem; padding: 0 1rem; color: var(--ink); background: var(--paper); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
caption { text-align: left; font-weight: 600; padding: .5rem 0; }
th, td { text-align: left; vertical-align: top; padding: .4rem .8rem .4rem 0; border-bottom: 1px solid var(--line); overflow-wrap: anywhere; }
td.number { text-align: right; white-space: nowrap; }
.succeeded { color: var(--good); }
.failed, .cancelled, .interrupted { color: var(--bad); }
@media print { body { margin: 0; max-width: none; } }
`;

/** One page without anything beside it, for a browser, a printer or a screen reader. It is XML too, so that any parser may check it. */
export function htmlReport(entries: readonly HistoryEntry[], o: { readonly madeAt: Date; readonly query: string }): string {
  const title = 'Runs of hyperexport';
  const counts = Object.entries(Object.groupBy(entries, (entry) => entry.state)).map(([state, runs]) => `${runs.length} ${state}`);
  return `<!DOCTYPE html>
<html xmlns="http://www.w3.org/1999/xhtml" lang="en">
<head>
<meta charset="utf-8" />
<meta http-equiv="Content-Security-Policy" content="${POLICY}" />
<meta name="viewport" content="width=device-width, initial-scale=1" />
<title>${title}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>${title}</h1>
<p>Made on <time datetime="${o.madeAt.toISOString()}">${dayAndTime(o.madeAt.toISOString())} UTC</time>${o.query === '' ? '' : `, for <code>${escape(o.query)}</code>`}.
${entries.length === 0 ? 'No run matches.' : `${entries.length === 1 ? 'One run' : `${entries.length} runs`}: ${counts.join(', ')}.`}</p>
${entries.length === 0 ? '' : table(entries)}</main>
</body>
</html>
`;
}

const table = (entries: readonly HistoryEntry[]): string => `<div class="scroll" role="region" aria-label="Runs" tabindex="0">
<table>
<caption>Newest first; times are UTC</caption>
<thead><tr>${['Run', 'Started', 'Took', 'Command', 'Result', 'VMs', 'Source', 'Target', 'Size'].map((title) => `<th scope="col">${title}</th>`).join('')}</tr></thead>
<tbody>
${entries.map(row).join('\n')}
</tbody>
</table>
</div>
`;

function row(entry: HistoryEntry): string {
  const took = entry.finishedAt === undefined ? '' : formatDuration(Date.parse(entry.finishedAt) - Date.parse(entry.startedAt));
  const why = entry.error ? `<br />${escape(entry.error.message)} <code>${escape(entry.error.code)}</code>` : '';
  return `<tr>${[
    `<th scope="row"><code>${escape(entry.id)}</code></th>`,
    `<td><time datetime="${escape(entry.startedAt)}">${escape(dayAndTime(entry.startedAt))}</time></td>`,
    `<td class="number">${took}</td>`,
    `<td>${entry.command}</td>`,
    `<td><span class="${entry.state}">${entry.state}</span>${why}</td>`,
    `<td>${escape((entry.vms ?? []).join(', '))}</td>`,
    `<td>${escape(entry.source)}</td>`,
    `<td>${escape(entry.target)}</td>`,
    `<td class="number">${entry.bytes === undefined ? '' : formatBytes(entry.bytes)}</td>`,
  ].join('')}</tr>`;
}

const dayAndTime = (time: string): string => time.slice(0, 16).replace('T', ' ');

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** Text for an element or a quoted attribute. Signs that are no characters of XML, or turn the text around, become blanks. */
const escape = (text: string): string =>
  printable(text.toWellFormed())
    .replaceAll(/[\uFFFE\uFFFF]/g, ' ')
    .replaceAll(/[&<>"']/g, (sign) => ENTITIES[sign] ?? sign);
