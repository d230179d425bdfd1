import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { HyperError } from '@hypersdk/domain';
import { afterEach, expect, test } from 'vitest';
import { LocalFolderTarget } from './local-folder-target.ts';

const calm = { signal: new AbortController().signal };
const ROUNDS = 3000;

const folders: string[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
});

async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'hypersdk-race-'));
  folders.push(folder);
  return folder;
}

/** Gives the name `sub` in turn to a folder and to a link that leads out, as fast as it can. */
const attacker = `
  const { renameSync, rmSync } = require('node:fs');
  const { workerData, parentPort } = require('node:worker_threads');
  let running = true;
  parentPort.on('message', () => { running = false; });
  // A put may have made the folder anew while the name was free, and may put something into it while it is removed.
  const remove = (path) => {
    try {
      rmSync(workerData + path, { recursive: true, force: true });
    } catch {}
  };
  const give = (from, to) => {
    try {
      renameSync(workerData + from, workerData + to);
    } catch {
      remove(to);
      give(from, to);
    }
  };
  const swap = () => {
    for (let round = 0; round < 50; round += 1) {
      give('/sub', '/.folder');
      give('/.link', '/sub');
      give('/sub', '/.link');
      give('/.folder', '/sub');
    }
    if (running) setImmediate(swap);
    else parentPort.close();
  };
  swap();
`;

test('while folder and link change places, nothing is ever read or written beyond the root', { timeout: 60_000 }, async () => {
  const [root, outside] = [await makeFolder(), await makeFolder()];
  await writeFile(join(outside, 'object'), 'secret');
  await mkdir(join(root, 'sub'));
  await writeFile(join(root, 'sub', 'object'), 'ours');
  await symlink(outside, join(root, '.link'));
  await using target = await LocalFolderTarget.open(root);
  const worker = new Worker(attacker, { eval: true, workerData: root });
  const ended = new Promise((resolve) => worker.once('exit', resolve));

  let refusals = 0;
  let answers = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    try {
      expect(new TextDecoder().decode(await target.get('sub/object', calm))).toBe('ours');
      if (round % 10 === 0) await target.put('sub/new', new Uint8Array(1), { ...calm, ifAbsent: false });
      answers += 1;
    } catch (error) {
      if (!(error instanceof HyperError)) throw error;
      refusals += 1;
    }
  }
  worker.postMessage('stop');
  await ended;

  expect(await readdir(outside)).toEqual(['object']);
  expect(answers).toBeGreaterThan(0);
  expect(refusals).toBeGreaterThan(0);
});
