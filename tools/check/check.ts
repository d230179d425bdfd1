// Every gate that needs no test: types, lint, format, tidy, dead code. `make check`, `npm run check`.
import { spawn } from 'node:child_process';
import { join, resolve } from 'node:path';

interface Gate {
  readonly name: string;
  readonly program: readonly string[];
}

const ROOT = resolve(import.meta.dirname, '../..');
const bin = (program: string): string => join(ROOT, 'node_modules', '.bin', program);

const GATES: readonly Gate[] = [
  { name: 'tsc', program: [bin('tsc'), '--noEmit'] },
  { name: 'oxlint', program: [bin('oxlint'), '--format=unix'] },
  { name: 'oxfmt', program: [bin('oxfmt'), '--check'] },
  { name: 'tidy', program: [process.execPath, join(ROOT, 'tools/tidy/tidy.ts')] },
  { name: 'knip', program: [bin('knip'), '--config', 'tools/check/knip.json', '--no-progress', '--no-config-hints'] },
];

const failed: string[] = [];
for (const gate of GATES) {
  const started = performance.now();
  const { code, said } = await run(gate.program);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  process.stdout.write(`${code === 0 ? 'ok  ' : 'FAIL'} ${gate.name} ${seconds} s\n`);
  if (code === 0) continue;
  failed.push(gate.name);
  process.stdout.write(`${said.trimEnd()}\n`);
}
process.stdout.write(failed.length === 0 ? 'All gates hold.\n' : `Failed: ${failed.join(', ')}.\n`);
process.exitCode = failed.length === 0 ? 0 : 1;

/** Runs to the end and keeps what was said, so that a gate that holds says nothing. */
async function run([program = '', ...args]: readonly string[]): Promise<{ readonly code: number; readonly said: string }> {
  const child = spawn(program, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
  const pieces: Buffer[] = [];
  child.stdout.on('data', (piece: Buffer) => pieces.push(piece));
  child.stderr.on('data', (piece: Buffer) => pieces.push(piece));
  const code = await new Promise<number>((settle, reject) => {
    child.on('error', reject);
    child.on('close', (status) => settle(status ?? 1));
  });
  return { code, said: Buffer.concat(pieces).toString('utf8') };
}
