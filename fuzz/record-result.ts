import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import type { RunResult } from './engine/thread-messages.ts';

const FILE = new URL('RESULTS.md', import.meta.url);
const HEAD = `# What was fuzzed

Written by \`make fuzz keep=yes\`, which adds each run to those before. Rates are executions in a second of one core's time; branches are those of the reader's own sources, reached by the last run and the corpus that it began from; memory is what that run held more at its end.

| reader | executions so far | rate | branches | slowest | memory | findings | last run | commit |
|---|--:|--:|--:|--:|--:|--:|---|---|
`;

const cellsOf = (line: string): readonly string[] => line.split('|').map((cell) => cell.trim());

/** Adds a run to the table. */
export function recordResult(name: string, { executions, cpuMs, reached, total, slowestMs, findings, growth }: RunResult): void {
  const lines = existsSync(FILE)
    ? readFileSync(FILE, 'utf8')
        .split('\n')
        .filter((line) => /^\| [\w-]+ \| [\d,]+ \|/.test(line))
    : [];
  const before = lines.find((line) => line.startsWith(`| ${name} |`));
  const [, , ran = '0', , , slowest = '0', , found = '0'] = before === undefined ? [] : cellsOf(before);
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();
  const cells = [
    name,
    (executions + Number(ran.replaceAll(',', ''))).toLocaleString('en'),
    `${Math.round(executions / (cpuMs / 1000)).toLocaleString('en')}/s`,
    `${reached} of ${total}`,
    `${Math.round(Math.max(slowestMs, Number.parseFloat(slowest)))} ms`,
    `${(Math.max(0, growth) / 1024 ** 2).toFixed(1)} MiB`,
    String(findings + Number(found)),
    new Date().toISOString().slice(0, 10),
    commit,
  ];
  const rows = [...lines.filter((line) => line !== before), `| ${cells.join(' | ')} |`].toSorted();
  writeFileSync(FILE, `${HEAD}${rows.join('\n')}\n`);
}
