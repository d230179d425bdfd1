import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findTools } from './find-tools.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'find-tools-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const install = async (...names: readonly string[]): Promise<void> => {
  for (const name of names) {
    await writeFile(join(folder, name), '');
    await chmod(join(folder, name), 0o755);
  }
};

test('each program that is missing is named with its package', async () => {
  const lacks = async (): Promise<string> => {
    const found = findTools([folder], { unsandboxed: false, furtherFolders: [] });
    return 'lack' in found ? found.lack : 'nothing';
  };
  expect(await lacks()).toContain('package virt-v2v');
  await install('virt-v2v-in-place');
  expect(await lacks()).toContain('package qemu-utils');
  await install('qemu-img');
  expect(await lacks()).toContain('package bubblewrap');
  await install('bwrap');
  expect(await lacks()).toBe('nothing');
});

test('without bubblewrap it goes on only where that was asked for', async () => {
  await install('virt-v2v-in-place', 'qemu-img');
  expect(findTools([folder], { unsandboxed: true, furtherFolders: [] })).toEqual({
    converter: join(folder, 'virt-v2v-in-place'),
    qemuImg: join(folder, 'qemu-img'),
  });
});

test('relative folders are not looked in', async () => {
  await install('virt-v2v-in-place', 'qemu-img', 'bwrap');
  expect(findTools(['.', ''], { unsandboxed: true, furtherFolders: [] })).toHaveProperty('lack');
});
