import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { openScratch, sweepScratch } from './scratch.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'scratch-test-'));
  vi.stubEnv('TMPDIR', folder);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true, force: true });
});

test('a folder is gone with its machine', async () => {
  let path: string;
  {
    await using scratch = await openScratch();
    path = scratch.path;
    await writeFile(join(path, 'screen.ppm'), 'P6');
    expect(existsSync(path)).toBe(true);
  }
  expect(existsSync(path)).toBe(false);
});

test('what killed proofs left is removed after a day, and nothing else', async () => {
  await using running = await openScratch();
  const [abandoned, foreign] = [join(folder, 'hypersdk-boot-old'), join(folder, 'somebody-else')];
  const longAgo = new Date('2020-01-01');
  for (const path of [abandoned, foreign]) {
    await mkdir(path);
    await utimes(path, longAgo, longAgo);
  }
  await sweepScratch(Date.now());
  expect([abandoned, foreign, running.path].map((path) => existsSync(path))).toEqual([false, true, true]);
});
