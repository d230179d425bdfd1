import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KIB, LEAF_SIZE } from '@hypersdk/domain';
import type { CopyOutcome, Encryption, ImageSettings, Transfer } from '@hypersdk/ports';
import { calm, missing } from '@hypersdk/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findFileKey } from '../age/file-key.ts';
import { readHeader } from '../age/header.ts';
import { keepKey } from '../age/kept-key.ts';
import { MemoryFile } from '../file/memory-file.ts';
import { imageInspector } from '../inspect/image-inspector.ts';
import { openTransfer } from './transfer.ts';

const TIMEOUT_MS = 120_000;
const DISK_SIZE = 6 * LEAF_SIZE + 5 * KIB;

let folder = '';
let transfer: Transfer;
let recipient = '';
const at = (name: string): string => join(folder, name);

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'encrypted-'));
  transfer = openTransfer({ workers: 2 });
  if (missing('age')) return;
  execFileSync('age-keygen', ['-o', at('identity')], { stdio: 'pipe' });
  recipient = execFileSync('age-keygen', ['-y', at('identity')], { encoding: 'utf8' }).trim();
  const content = Buffer.alloc(DISK_SIZE);
  // Data that is not aligned to anything, with holes between: leaves that are full, half full and empty.
  for (const [offset, length] of [
    [512, 70_000],
    [LEAF_SIZE - 4096, 8192],
    [3 * LEAF_SIZE, LEAF_SIZE],
    [5 * LEAF_SIZE + 123_000, 300_001],
    [DISK_SIZE - 700, 700],
  ] as const)
    content.set(randomBytes(length), offset);
  writeFileSync(at('source'), content);
}, TIMEOUT_MS);

afterAll(async () => {
  await transfer[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

async function copy(name: string, settings: ImageSettings, encryption?: Encryption): Promise<CopyOutcome> {
  const image = { path: at('source'), format: 'raw', references: 'refuse' } as const;
  const sourceMark = await imageInspector.mark(image, calm);
  const choices = { digest: 'tree', durability: 'sync', verifyPercent: 100, overwrite: false, restart: false } as const;
  const to = encryption ? { encryption } : {};
  return await transfer.copy({ ...choices, ...to, source: { kind: 'image', image }, sourceMark, path: at(name), settings }, calm);
}
const forUs = (): Encryption => ({ recipients: [recipient], keyFolder: at('keys') });
const decrypt = (name: string): Buffer => execFileSync('age', ['--decrypt', '-i', at('identity'), at(name)], { maxBuffer: 1024 ** 3 });
const identities = (): readonly string[] => [readFileSync(at('identity'), 'utf8').trim().split('\n').at(-1) ?? ''];

describe.skipIf(missing('age'))('an encrypted copy', { timeout: TIMEOUT_MS }, () => {
  test.each<[string, ImageSettings]>([
    ['raw', { format: 'raw' }],
    ['qcow2', { format: 'qcow2' }],
    ['qcow2-small', { format: 'qcow2', clusterSize: 4 * KIB }],
    ['qcow2-zstd', { format: 'qcow2', compression: 'zstd' }],
    ['qcow2-subclusters', { format: 'qcow2', extendedL2: true }],
    ['qcow2-full', { format: 'qcow2', preallocation: 'full' }],
    ['vmdk-sparse', { format: 'vmdk', subformat: 'monolithicSparse' }],
    ['vmdk-stream', { format: 'vmdk', subformat: 'streamOptimized' }],
    ['vhd', { format: 'vhd' }],
    ['vhd-fixed', { format: 'vhd', subformat: 'fixed' }],
    ['vhdx', { format: 'vhdx', clusterSize: 1024 * KIB }],
    ['vdi', { format: 'vdi' }],
  ])('as %s is to age the very file that is written without encryption', async (name, settings) => {
    const plain = await copy(name, settings);
    const sealed = await copy(`${name}.age`, settings, forUs());
    expect(decrypt(`${name}.age`).equals(readFileSync(at(name)))).toBe(true);
    expect(sealed).toMatchObject({ content: plain.content, leavesChecked: plain.leavesChecked > 0 ? expect.any(Number) : 0 });
    expect(
      readdirSync(folder)
        .filter((file) => file.startsWith(`${name}.age`))
        .toSorted(),
    ).toEqual([`${name}.age`, `${name}.age.leaves`]);
    expect(readdirSync(at('keys'))).toEqual([]);
  });

  test('is known again when it was published, and not copied twice', async () => {
    await copy('twice.age', { format: 'qcow2' }, forUs());
    const bytes = readFileSync(at('twice.age'));
    expect(await copy('twice.age', { format: 'qcow2' }, forUs())).toMatchObject({ dataRead: 0 });
    expect(readFileSync(at('twice.age')).equals(bytes)).toBe(true);
  });

  test('is another one when its passphrase is another one', async () => {
    const withPassphrase = (passphrase: string): Encryption => ({ passphrase, keyFolder: at('keys') });
    await copy('changed.age', { format: 'raw' }, withPassphrase('correct horse'));
    await expect(copy('changed.age', { format: 'raw' }, withPassphrase('battery staple'))).rejects.toThrow(
      expect.objectContaining({ code: 'target/exists' }),
    );
    expect(await copy('changed.age', { format: 'raw' }, withPassphrase('correct horse'))).toMatchObject({ dataRead: 0 });
  });

  test('that was published by a run which was killed then leaves no key behind', async () => {
    await copy('late.age', { format: 'raw' }, forUs());
    using file = new MemoryFile(readFileSync(at('late.age')));
    const [header, fileKey] = [readHeader(file)?.bytes, await findFileKey(file, { identities: identities() })];
    keepKey(at('keys'), header ?? new Uint8Array(0), fileKey ?? new Uint8Array(0));
    await copy('late.age', { format: 'raw' }, forUs());
    expect(readdirSync(at('keys'))).toEqual([]);
  });

  test('is read in place with an identity, and not without', async () => {
    await copy('read.age', { format: 'qcow2' }, forUs());
    const refer = (keys: Parameters<typeof imageInspector.refer>[1]['keys']) =>
      imageInspector.refer(at('read.age'), { ...calm, references: 'refuse', ...(keys ? { keys } : {}) });
    const image = await refer({ identities: identities() });
    expect(image.format).toBe('qcow2');
    const same = await transfer.compare(
      { kind: 'image', image },
      { kind: 'image', image: { path: at('source'), format: 'raw', references: 'refuse' } },
      calm,
    );
    expect(same.result).toBe('equal');
    await expect(refer(undefined)).rejects.toThrow(expect.objectContaining({ code: 'encryption/locked' }));
    execFileSync('age-keygen', ['-o', at('stranger')], { stdio: 'pipe' });
    const stranger = readFileSync(at('stranger'), 'utf8').trim().split('\n').at(-1) ?? '';
    await expect(refer({ identities: [stranger] })).rejects.toThrow(expect.objectContaining({ code: 'encryption/wrong-key' }));
  });

  test('may be what age itself encrypted', async () => {
    await copy('theirs.qcow2', { format: 'qcow2' });
    execFileSync('age', ['-r', recipient, '-o', at('theirs.age'), at('theirs.qcow2')]);
    const image = await imageInspector.refer(at('theirs.age'), { ...calm, references: 'refuse', keys: { identities: identities() } });
    const digest = await transfer.digest({ kind: 'image', image }, calm);
    expect(digest).toEqual((await copy('theirs.raw', { format: 'raw' })).content);
  });

  test('with a passphrase is opened by it alone', async () => {
    await copy('passphrase.age', { format: 'raw' }, { passphrase: 'correct horse', keyFolder: at('keys') });
    const refer = (passphrase: string) => imageInspector.refer(at('passphrase.age'), { ...calm, references: 'refuse', keys: { passphrase } });
    const image = await refer('correct horse');
    const source = { kind: 'image', image: { path: at('source'), format: 'raw', references: 'refuse' } } as const;
    expect((await transfer.compare({ kind: 'image', image }, source, calm)).result).toBe('equal');
    await expect(refer('battery staple')).rejects.toThrow(expect.objectContaining({ code: 'encryption/wrong-key' }));
  });

  test('is not begun when its key cannot be kept', async () => {
    mkdirSync(at('blocked'));
    writeFileSync(at('blocked/keys'), '');
    await expect(copy('unkept.age', { format: 'raw' }, { recipients: [recipient], keyFolder: at('blocked/keys') })).rejects.toThrow(
      expect.objectContaining({ code: 'encryption/key-not-kept' }),
    );
    expect(readdirSync(folder).filter((file) => file.startsWith('unkept'))).toEqual([]);
  });
});
