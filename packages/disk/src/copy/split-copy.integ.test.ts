import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LEAF_SIZE, MIB } from '@hypersdk/domain';
import type { CopyOutcome, CopyRequest, ImageSettings, Transfer } from '@hypersdk/ports';
import { calm } from '@hypersdk/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newKeyPair } from '../age/build-age.ts';
import { imageInspector } from '../inspect/image-inspector.ts';
import { openTransfer } from './transfer.ts';

const TIMEOUT_MS = 120_000;
const DISK_SIZE = 5 * LEAF_SIZE + 12_345;
const VOLUME_SIZE = 3 * MIB;

let folder = '';
let transfer: Transfer;
const at = (name: string): string => join(folder, name);

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'split-'));
  transfer = openTransfer({ workers: 2 });
  const content = Buffer.alloc(DISK_SIZE);
  content.set(randomBytes(LEAF_SIZE + 1000), 77_000);
  content.set(randomBytes(LEAF_SIZE), 3 * LEAF_SIZE);
  writeFileSync(at('source'), content);
});
afterAll(async () => {
  await transfer[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

async function copy(name: string, settings: ImageSettings, o: Partial<CopyRequest> = {}): Promise<CopyOutcome> {
  const image = { path: at('source'), format: 'raw', references: 'refuse' } as const;
  const sourceMark = await imageInspector.mark(image, calm);
  const choices = { digest: 'tree', durability: 'sync', verifyPercent: 100, overwrite: false, restart: false } as const;
  return await transfer.copy({ ...choices, source: { kind: 'image', image }, sourceMark, ...o, path: at(name), settings }, calm);
}
const volumesOf = (name: string): readonly string[] => readdirSync(folder).filter((file) => file.startsWith(`${name}.`) && /\.\d{3}$/.test(file));
const joined = (name: string): Buffer => Buffer.concat(volumesOf(name).map((file) => readFileSync(at(file))));

describe('a copy in volumes', { timeout: TIMEOUT_MS }, () => {
  test.each<[string, ImageSettings]>([
    ['raw', { format: 'raw' }],
    ['qcow2', { format: 'qcow2' }],
    ['vmdk', { format: 'vmdk', subformat: 'streamOptimized' }],
    ['vhdx', { format: 'vhdx', clusterSize: MIB }],
  ])('of %s joins to the very file that is written in one piece', async (name, settings) => {
    await copy(name, settings);
    const outcome = await copy(`${name}.001`, settings, { volumeSize: VOLUME_SIZE });
    const files = volumesOf(name);
    expect(files.length).toBeGreaterThan(1);
    for (const file of files.slice(0, -1)) expect(statSync(at(file)).size).toBe(VOLUME_SIZE);
    expect(joined(name).equals(readFileSync(at(name)))).toBe(true);
    expect(outcome.parts).toHaveLength(files.length - 1);
    expect(readdirSync(folder).filter((file) => file.includes('partial'))).toEqual([]);
    expect(await copy(`${name}.001`, settings, { volumeSize: VOLUME_SIZE })).toMatchObject({ dataRead: 0, parts: outcome.parts });
  });

  test('is read in place when its first volume is named, also encrypted', async () => {
    const { identity, recipient } = await newKeyPair();
    await copy('read.001', { format: 'qcow2' }, { volumeSize: VOLUME_SIZE, encryption: { recipients: [recipient], keyFolder: at('keys') } });
    const image = await imageInspector.refer(at('read.001'), { ...calm, references: 'refuse', keys: { identities: [identity] } });
    const source = { kind: 'image', image: { path: at('source'), format: 'raw', references: 'refuse' } } as const;
    expect((await transfer.compare({ kind: 'image', image }, source, calm)).result).toBe('equal');
    const mark = await imageInspector.mark(image, calm);
    writeFileSync(at('read.002'), readFileSync(at('read.002')));
    expect(await imageInspector.mark(image, calm)).not.toBe(mark);
    rmSync(at(volumesOf('read').at(-1) ?? ''));
    const rest = imageInspector.refer(at('read.001'), { ...calm, references: 'refuse', keys: { identities: [identity] } });
    await expect(rest).rejects.toThrow(expect.objectContaining({ code: 'encryption/damaged' }));
  });

  test('needs a name that ends in .001, and volumes that are neither tiny nor thousands', async () => {
    const refusal = expect.objectContaining({ code: 'usage/invalid' });
    await expect(copy('plain', { format: 'raw' }, { volumeSize: VOLUME_SIZE })).rejects.toThrow(refusal);
    await expect(copy('tiny.001', { format: 'raw' }, { volumeSize: 1000 })).rejects.toThrow(refusal);
    await expect(copy('set.001', { format: 'vmdk', subformat: 'monolithicFlat' }, { volumeSize: VOLUME_SIZE })).rejects.toThrow(refusal);
  });

  test('in the place of one with more volumes leaves none of them behind it, whether that one has a leaf list or not', async () => {
    for (const digest of ['tree', 'none'] as const) {
      await copy('fewer.001', { format: 'raw' }, { volumeSize: VOLUME_SIZE, digest, overwrite: true });
      await copy('fewer.001', { format: 'raw' }, { volumeSize: 3 * VOLUME_SIZE, overwrite: true });
      expect(volumesOf('fewer')).toHaveLength(Math.ceil(DISK_SIZE / (3 * VOLUME_SIZE)));
      expect(joined('fewer').equals(readFileSync(at('source')))).toBe(true);
    }
  });

  test('is not mixed up with a single file that gets the name of its first volume', async () => {
    writeFileSync(at('single.004'), 'mine');
    const inOnePiece = (overwrite: boolean): Promise<CopyOutcome> => copy('single.001', { format: 'raw' }, { overwrite });
    await expect(inOnePiece(false)).rejects.toThrow(expect.objectContaining({ code: 'target/exists' }));
    await inOnePiece(true);
    expect(volumesOf('single')).toEqual(['single.001']);
  });

  test('has as many bytes in its last volume as in the others when they fit', async () => {
    await copy('exact.001', { format: 'raw' }, { volumeSize: DISK_SIZE });
    expect(volumesOf('exact')).toEqual(['exact.001']);
    writeFileSync(at('even-disk'), Buffer.alloc(4 * VOLUME_SIZE, 1));
    const image = { path: at('even-disk'), format: 'raw', references: 'refuse' } as const;
    const sourceMark = await imageInspector.mark(image, calm);
    await copy('even.001', { format: 'raw' }, { volumeSize: VOLUME_SIZE, source: { kind: 'image', image }, sourceMark });
    expect(volumesOf('even').map((file) => statSync(at(file)).size)).toEqual(Array.from({ length: 4 }, () => VOLUME_SIZE));
  });

  test('does not take the name of a file that is there', async () => {
    writeFileSync(at('taken.003'), 'mine');
    await expect(copy('taken.001', { format: 'raw' }, { volumeSize: VOLUME_SIZE })).rejects.toThrow(
      expect.objectContaining({ code: 'target/exists' }),
    );
    expect(readFileSync(at('taken.003'), 'latin1')).toBe('mine');
  });
});
