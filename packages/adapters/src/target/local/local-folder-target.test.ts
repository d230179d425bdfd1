import { mkdir, mkdtemp, readdir, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { storageTargetContract } from '@hypersdk/testkit';
import { afterEach, describe, expect, test } from 'vitest';
import { LocalFolderTarget } from './local-folder-target.ts';

const calm = { signal: new AbortController().signal };
const replacing = { ...calm, ifAbsent: false };
const bytes = new TextEncoder().encode('content');

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'hypersdk-target-'));
  cleanups.push(() => rm(folder, { recursive: true }));
  return folder;
}

async function openTarget(folder: string): Promise<LocalFolderTarget> {
  const target = await LocalFolderTarget.open(folder);
  cleanups.push(() => target[Symbol.asyncDispose]());
  return target;
}

storageTargetContract(async () => {
  const folder = await makeFolder();
  return { target: await openTarget(folder), reopen: () => openTarget(folder) };
});

describe('local folder target', () => {
  test('a folder that is not there is named', async () => {
    await expect(LocalFolderTarget.open(join(tmpdir(), 'hypersdk-absent', 'deep'))).rejects.toMatchObject({ code: 'target/not-found' });
  });

  test('a file is not taken for a folder, nor said to be missing', async () => {
    const path = join(await makeFolder(), 'file');
    await writeFile(path, '');
    await expect(LocalFolderTarget.open(path)).rejects.toMatchObject({ code: 'target/not-found', message: `${path} is not a folder.` });
  });

  test('objects are for their owner alone', async () => {
    const folder = await makeFolder();
    const target = await openTarget(folder);
    await target.put('a/object', bytes, replacing);
    expect((await stat(join(folder, 'a/object'))).mode & 0o777).toBe(0o600);
    expect((await stat(join(folder, 'a'))).mode & 0o777).toBe(0o700);
  });

  test('no temporary file is left, whether a put succeeds or is refused', async () => {
    const folder = await makeFolder();
    const target = await openTarget(folder);
    await target.put('object', bytes, replacing);
    await expect(target.put('object', bytes, { ...calm, ifAbsent: true })).rejects.toMatchObject({ code: 'target/exists' });
    await mkdir(join(folder, 'taken'));
    await expect(target.put('taken', bytes, replacing)).rejects.toMatchObject({ code: 'target/exists' });
    expect((await readdir(folder)).toSorted()).toEqual(['object', 'taken']);
  });

  test('what a killed put left a day ago is removed, what is younger stays', async () => {
    const folder = await makeFolder();
    await writeFile(join(folder, '.put-old'), 'half');
    await writeFile(join(folder, '.put-young'), 'half');
    const yesterday = Date.now() / 1000 - 25 * 60 * 60;
    await utimes(join(folder, '.put-old'), yesterday, yesterday);
    const target = await openTarget(folder);
    await target.put('object', bytes, replacing);
    expect((await readdir(folder)).toSorted()).toEqual(['.put-young', 'object']);
  });

  test('a name below an object is refused, an object below it is absent', async () => {
    const target = await openTarget(await makeFolder());
    await target.put('object', bytes, replacing);
    await expect(target.put('object/below', bytes, replacing)).rejects.toMatchObject({ code: 'target/exists' });
    await expect(target.get('object/below', calm)).rejects.toMatchObject({ code: 'source/not-found' });
    await expect(target.delete('object/below', calm)).resolves.toBeUndefined();
  });
});

describe('symbolic links below the root', () => {
  async function withLinks(): Promise<{ readonly target: LocalFolderTarget; readonly outside: string }> {
    const [folder, outside] = [await makeFolder(), await makeFolder()];
    await writeFile(join(outside, 'secret'), 'secret');
    await symlink(outside, join(folder, 'linked'));
    await symlink(join(outside, 'secret'), join(folder, 'object'));
    return { target: await openTarget(folder), outside };
  }

  test('a linked folder is not entered by any call', async () => {
    const { target, outside } = await withLinks();
    await expect(target.put('linked/new', bytes, replacing)).rejects.toMatchObject({ code: 'target/unsafe-path' });
    await expect(target.get('linked/secret', calm)).rejects.toMatchObject({ code: 'target/unsafe-path' });
    await expect(target.delete('linked/secret', calm)).rejects.toMatchObject({ code: 'target/unsafe-path' });
    expect(await readdir(outside)).toEqual(['secret']);
  });

  test('a linked file is not read, and a put replaces the link, not its goal', async () => {
    const { target, outside } = await withLinks();
    await expect(target.get('object', calm)).rejects.toMatchObject({ code: 'target/unsafe-path' });
    await target.put('object', bytes, replacing);
    expect(await target.get('object', calm)).toEqual(bytes);
    expect((await stat(join(outside, 'secret'))).size).toBe(6);
  });

  test('links are not listed', async () => {
    const { target } = await withLinks();
    expect(await Array.fromAsync(target.list('', calm))).toEqual([]);
  });

  test('the root stays the folder that was opened when its name is given to another', async () => {
    const [folder, outside] = [await makeFolder(), await makeFolder()];
    const root = join(folder, 'root');
    await mkdir(root);
    const target = await openTarget(root);
    await rm(root, { recursive: true });
    await symlink(outside, root);
    await expect(target.put('object', bytes, replacing)).rejects.toThrow();
    expect(await readdir(outside)).toEqual([]);
  });
});
