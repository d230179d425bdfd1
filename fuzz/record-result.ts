import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import type { Counts } from './engine/thread-messages.ts';

const FILE = new URL('RESULTS.md', import.meta.url);
const HEAD = `# What was fuzzed

Written by \`make fuzz keep=yes\`. One line for each reader: its longest run, on one core; branches are those of the reader's own sources.

| reader | executions | per second of CPU time | branches reached | refused | slowest | memory grew | findings | date | commit |
|---|--:|--:|--:|--:|--:|--:|--:|---|---|
`;

/** Puts a run into the table, unless a longer one is there. */
export function recordResult(
  name: string,
  { executions, cpuMs, reached, total, refused, slowestMs, findings, growth }: Counts & { readonly growth: number },
): void {
  const lines = existsSync(FILE)
    ? readFileSync(FILE, 'utf8')
        .split('\n')
        .filter((line) => /^\| [\w-]+ \| [\d,]+ \|/.test(line))
    : [];
  const before = lines.find((line) => line.startsWith(`| ${name} |`));
  if (Number(before?.split('|')[2]?.replaceAll(',', '') ?? 0) > executions) return;
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();
  const cells = [
    name,
    executions.toLocaleString('en'),
    Math.round(executions / (cpuMs / 1000)).toLocaleString('en'),
    `${reached} of ${total}`,
    `${Math.round((100 * refused) / executions)} %`,
    `${slowestMs.toFixed(0)} ms`,
    `${(growth / 1024 ** 2).toFixed(1)} MiB`,
    String(findings),
    new Date().toISOString().slice(0, 10),
    commit,
  ];
  const rows = [...lines.filter((line) => line !== before), `| ${cells.join(' | ')} |`].toSorted();
  writeFileSync(FILE, `${HEAD}${rows.join('\n')}\n`);
}
