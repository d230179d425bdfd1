import { execFileSync } from 'node:child_process';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { missing } from '@hypersdk/testkit';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { documentOf, run } from './program.ts';
import { openWorkshop, range } from './workshop.ts';

const workshop = await openWorkshop();
afterAll(() => workshop[Symbol.asyncDispose]());
await mkdir(workshop.path('vms'));
for (const name of ['db', 'web-01', 'web-02']) await workshop.disk(`vms/${name}.raw`, { sizeMib: 16, dataMib: range(0, 8) });
const vms = workshop.path('vms');
const to = workshop.path('backup');
const BUSY_TIMEOUT_MS = 120_000;

beforeEach(async () => {
  await rm(to, { recursive: true, force: true });
  await mkdir(to);
});

async function program(name: string, lines: string): Promise<string> {
  const path = workshop.path(name);
  await writeFile(path, `#!/bin/sh\n${lines}\n`, { mode: 0o755 });
  return path;
}

describe('several VMs', { timeout: BUSY_TIMEOUT_MS }, () => {
  test('are chosen by a pattern, and only one way of choosing is taken', async () => {
    expect((await run(['export', vms, '--match', '^WEB', '--to', to, '--quiet'], workshop)).code).toBe(0);
    expect((await readdir(to)).toSorted()).toEqual(['web-01', 'web-02']);
    const both = await run(['export', vms, 'db', '--match', 'web', '--all', '--to', to], workshop);
    expect(both.code).toBe(64);
    expect(both.stderr).toContain('VM db and --all and --match both say which VMs are meant');
    expect((await run(['export', vms, '--match', 'mail', '--to', to], workshop)).code).toBe(66);
  });

  test('keep one rate together, however many are copied at a time', async () => {
    const begun = performance.now();
    const ended = await run(['export', vms, '--all', '--to', to, '--parallel', '3', '--limit-rate', '00:00-24:00=8M', '--json', '--quiet'], workshop);
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    // 24 MiB at 8 MiB a second, less what a pause may save up.
    expect(performance.now() - begun).toBeGreaterThan(2_500);
    expect(documentOf(ended)).toMatchObject({ exports: [{ vm: { name: 'db' } }, { vm: { name: 'web-01' } }, { vm: { name: 'web-02' } }] });
    expect(documentOf(await run(['history', '--vm', 'web-02', '--limit', '1', '--json'], workshop))).toMatchObject({
      runs: [{ vms: ['db', 'web-01', 'web-02'] }],
    });
  });
});

test('--validate-only says whether it could be done, and writes nothing', async () => {
  expect(await run(['export', vms, 'db', '--to', to, '--validate-only'], workshop)).toEqual({
    code: 0,
    stdout: 'Valid: one VM can be exported.\n',
    stderr: '',
  });
  expect(await readdir(to)).toEqual([]);
  await mkdir(`${to}/db`);
  await writeFile(`${to}/db/disk-0.qcow2`, 'somebody else');
  const refused = await run(['export', vms, 'db', '--to', to, '--validate-only', '--json'], workshop);
  expect(refused.code).toBe(75);
  expect(documentOf(refused)).toMatchObject({ valid: false, vms: [{ name: 'db', findings: [{ severity: 'error' }] }] });
  const misfit = await run(['export', vms, 'db', '--to', to, '--format', 'raw', '--compression', 'zstd', '--validate-only'], workshop);
  expect(misfit).toMatchObject({ code: 64, stdout: '' });
});

test.skipIf(missing('sha256sum'))('--checksums writes what sha256sum accepts', { timeout: BUSY_TIMEOUT_MS }, async () => {
  expect((await run(['export', vms, 'db', '--to', to, '--checksums', 'sha256', '--quiet'], workshop)).code).toBe(0);
  const said = execFileSync('sha256sum', ['--check', '--strict', 'SHA256SUMS'], { cwd: `${to}/db`, encoding: 'utf8' });
  expect(said.match(/: OK$/gm)).toHaveLength((await readdir(`${to}/db`)).length - 1);
});

describe('a hook', { timeout: BUSY_TIMEOUT_MS }, () => {
  test('is told of success and of failure, and its own failure is a warning', async () => {
    const hook = await program('hook', `cat > '${workshop.path('told.json')}'; exit 3`);
    const done = await run(['export', vms, 'db', '--to', to, '--hook', hook, '--quiet', '--json'], workshop);
    expect(done.code).toBe(0);
    expect(done.stderr).toContain('failed: exit code 3.');
    const told = async (): Promise<unknown> => JSON.parse(await readFile(workshop.path('told.json'), 'utf8'));
    expect(await told()).toMatchObject({ event: 'export.succeeded', target: to, exports: [{ vm: { name: 'db' } }] });
    expect((await run(['export', vms, 'db', '--to', to, '--hook', hook, '--quiet'], workshop)).code).toBe(73);
    expect(await told()).toMatchObject({ event: 'export.failed', error: { code: 'target/exists' } });
  });
});
