import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, symlink } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { afterAll, describe, expect, test } from 'vitest';
import { documentOf, LAUNCHER, run, start } from './program.ts';
import { openWorkshop, range } from './workshop.ts';

const workshop = await openWorkshop();
afterAll(() => workshop[Symbol.asyncDispose]());

/** A Node of this machine that is too old to run TypeScript as it is, if there is one. */
const older = ['/usr/bin/node', '/usr/local/bin/node'].find((path) => {
  try {
    const major = Number(execFileSync(path, ['-p', 'process.versions.node'], { encoding: 'utf8' }).split('.')[0]);
    return major >= 18 && major < 26;
  } catch {
    return false;
  }
});

test('the launcher runs by its own first line', async () => {
  const child = spawn(LAUNCHER, ['--help'], { env: { PATH: process.env['PATH'] }, stdio: ['ignore', 'pipe', 'inherit'] });
  const [shown] = await Promise.all([text(child.stdout), once(child, 'close')]);
  expect(shown).toContain('Usage: hyperexport COMMAND');
});

test('a link to the launcher works from anywhere', async () => {
  const link = workshop.path('hyperexport');
  await symlink(LAUNCHER, link);
  expect(execFileSync(process.execPath, [link, '--help'], { cwd: '/', encoding: 'utf8' })).toContain('Usage: hyperexport COMMAND');
});

describe.skipIf(older === undefined)('under an older Node', () => {
  const node = older ?? '';

  test('hands arguments, output and exit code through', async () => {
    expect(await run(['exprot'], { ...workshop, node })).toMatchObject({
      code: 64,
      stdout: '',
      stderr: expect.stringContaining('did you mean export?'),
    });
    expect((await run(['--help'], { ...workshop, node })).stdout).toContain('Usage: hyperexport COMMAND');
  });

  test.each(['SIGINT', 'SIGTERM'] as const)('hands %s through and reports the stop', async (signal) => {
    const disk = await workshop.disk('slow.raw', { sizeMib: 64, dataMib: range(0, 32) });
    const { child, ended, says } = start(['convert', disk, workshop.path(`slow-${signal}.qcow2`), '--limit-rate', '2M', '--plain'], {
      ...workshop,
      node,
    });
    await says(/copying/);
    child.kill(signal);
    const { code, stderr } = await ended;
    expect(stderr).toContain('hyperexport resume ');
    expect(code).toBe(130);
  });

  test('its killing is noticed: the work stops at a checkpoint', async () => {
    const disk = await workshop.disk('orphan.raw', { sizeMib: 64, dataMib: range(0, 48) });
    const { child, ended, says } = start(['convert', disk, workshop.path('orphan.qcow2'), '--limit-rate', '2M', '--plain'], { ...workshop, node });
    await says(/copying/);
    child.kill('SIGKILL');
    // The pipes close only when the process behind the launcher has ended too.
    expect((await ended).stderr).toContain('Stopping at a checkpoint');
    expect(documentOf(await run(['history', '--limit', '1', '--json'], workshop))).toMatchObject({ runs: [{ state: 'cancelled' }] });
  });

  test('says in one line what to do when the right Node is not installed', async () => {
    const bare = workshop.path('checkout/apps/hyperexport');
    await mkdir(`${bare}/bin`, { recursive: true });
    await cp(LAUNCHER, `${bare}/bin/hyperexport.mjs`);
    const child = spawn(node, [`${bare}/bin/hyperexport.mjs`, 'list', '/'], { stdio: ['ignore', 'pipe', 'pipe'] });
    const [shown] = await Promise.all([text(child.stderr), once(child, 'close')]);
    expect(shown).toMatch(/^hyperexport: Node 26 or newer is needed, this is .+\. .+\n$/);
    expect(child.exitCode).toBe(70);
  });
});
