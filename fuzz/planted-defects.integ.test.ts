import { expect, test } from 'vitest';
import { decodeSample } from './engine/sample.ts';
import { runReader } from './engine/run-reader.ts';
import type { Finding, RunResult } from './engine/thread-messages.ts';

const LIST = new URL('fixtures/planted-readers.ts', import.meta.url);
const TIMEOUT_MS = 120_000;

async function run(name: string, executions: number): Promise<{ readonly result: RunResult | undefined; readonly findings: readonly Finding[] }> {
  const findings: Finding[] = [];
  const result = await runReader({ list: LIST, name, executions, seed: 1, hangMs: 1000, found: (finding) => findings.push(finding) });
  return { result, findings };
}

test('a crash is found once, with the input that makes it; refusals are none', { timeout: TIMEOUT_MS }, async () => {
  const { result, findings } = await run('crashes', 10_000);
  expect(result?.refused).toBeGreaterThan(0);
  expect(findings).toEqual([expect.objectContaining({ why: expect.stringContaining('a defect') })]);
  const [file] = decodeSample(findings[0]?.bytes ?? new Uint8Array(0)).files;
  expect(file?.toBytes().readUInt32LE(0)).toBe(0xffff_ffff);
});

test('an execution that does not end is ended, and its input is known', { timeout: TIMEOUT_MS }, async () => {
  const { result, findings } = await run('hangs', 10_000);
  expect(result).toBeUndefined();
  expect(findings[0]?.why).toContain('did not end');
  const [file] = decodeSample(findings[0]?.bytes ?? new Uint8Array(0)).files;
  expect(file?.toBytes()[0]).toBe(0xff);
});

test('what is thrown where nobody waits for it is found', { timeout: TIMEOUT_MS }, async () => {
  const { result, findings } = await run('escapes', 10_000);
  expect(result).toBeUndefined();
  expect(findings[0]?.why).toContain('nobody waits');
});

test('what a reader holds on to is measured', { timeout: TIMEOUT_MS }, async () => {
  const { result } = await run('grows', 4000);
  expect(result?.growth).toBeGreaterThan(100 * 1024 * 1024);
});

test('a message that goes on for ever is a defect', { timeout: TIMEOUT_MS }, async () => {
  expect((await run('shouts', 2000)).findings[0]?.why).toContain('letters');
});
