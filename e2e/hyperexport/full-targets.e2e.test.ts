import { once } from 'node:events';
import { mkdir, readdir } from 'node:fs/promises';
import { afterAll, describe, expect, test } from 'vitest';
import { cannotMount } from '../durability/cannot-mount.ts';
import { Mount } from '../durability/mount.ts';
import { run, start } from './program.ts';
import { openWorkshop } from './workshop.ts';

const TIMEOUT_MS = 120_000;
const workshop = await openWorkshop();
afterAll(() => workshop[Symbol.asyncDispose]());
const disk = await workshop.disk('web.raw', { sizeMib: 64, dataMib: Array.from({ length: 40 }, (_, at) => at) });

describe.skipIf(cannotMount())('a file system that is too small', { timeout: TIMEOUT_MS }, () => {
  const to = workshop.path('small');

  test('is refused before the first byte, with figures, by export and by convert', async () => {
    await mkdir(to);
    using _ = Mount.tmpfs(to, 16);
    for (const line of [
      ['export', disk, '--to', to],
      ['convert', disk, `${to}/web.qcow2`],
    ]) {
      const ended = await run(line, workshop);
      expect(ended).toMatchObject({
        code: 75,
        stderr: expect.stringMatching(/has 16 MiB free \(\d+ bytes\), and up to 4\d(\.\d+)? MiB \(\d+ bytes\)/),
      });
      expect(ended.stderr).not.toContain('goes on where it stopped');
      expect(await readdir(to)).toEqual([]);
    }
    expect(await run(['convert', disk, `${to}/web.qcow2`, '--no-space-check', '--plain'], workshop)).toMatchObject({
      code: 75,
      stderr: expect.stringContaining('the file system is full'),
    });
    expect(await readdir(to)).not.toEqual([]);
  });

  test('is tried when compression may make it fit', async () => {
    using _ = Mount.tmpfs(to, 16);
    const ended = await run(['export', disk, '--to', to, '--compression', 'zstd'], workshop);
    expect(ended).toMatchObject({ code: 75, stderr: expect.stringContaining('the file system is full') });
  });
});

describe('an export of an NBD server that is too small', { timeout: TIMEOUT_MS }, () => {
  test('is refused before the first byte, with figures', async () => {
    const socket = workshop.path('small.sock');
    const small = await workshop.disk('small.raw', { sizeMib: 16, dataMib: [] });
    const server = start(['serve', small, '--writable', '--socket', socket], workshop);
    try {
      // It says where it listens once it does.
      await once(server.child.stdout, 'data');
      const ended = await run(['convert', disk, `nbd+unix:///?socket=${socket}`], workshop);
      expect(ended).toMatchObject({
        code: 75,
        stderr: expect.stringMatching(/The export has 16 MiB \(16777216 bytes\), and the disk needs 67108864/),
      });
    } finally {
      server.child.kill('SIGTERM');
      await server.ended;
    }
  });
});
