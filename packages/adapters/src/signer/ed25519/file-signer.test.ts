import { generateKeyPairSync } from 'node:crypto';
import { chmod, mkdtemp, readdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { signerContract } from '@hypersdk/testkit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FileSigner } from './file-signer.ts';

const calm = { signal: new AbortController().signal };
let folder = '';
let path = '';

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hypersdk-signer-'));
  path = join(folder, 'signing-key');
});
afterEach(() => rm(folder, { recursive: true }));

signerContract(() => FileSigner.open(path, calm));

describe('file signer', () => {
  test('the first use makes a key for its owner alone, with the public half beside it', async () => {
    const signer = await FileSigner.open(path, calm);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await readFile(`${path}.pub`, 'utf8')).toBe(signer.publicKey);
    expect((await readdir(folder)).toSorted()).toEqual(['signing-key', 'signing-key.pub']);
  });

  test('later uses have the same key', async () => {
    const first = await FileSigner.open(path, calm);
    const second = await FileSigner.open(path, calm);
    expect(second.keyId).toBe(first.keyId);
  });

  test('of several first uses at the same time all get one key', async () => {
    const signers = await Promise.all(Array.from({ length: 8 }, () => FileSigner.open(path, calm)));
    expect(new Set(signers.map(({ keyId }) => keyId)).size).toBe(1);
    expect((await readdir(folder)).toSorted()).toEqual(['signing-key', 'signing-key.pub']);
  });

  test('a public half that was lost or belongs to another key is written again', async () => {
    const signer = await FileSigner.open(path, calm);
    await writeFile(`${path}.pub`, 'something else');
    await FileSigner.open(path, calm);
    expect(await readFile(`${path}.pub`, 'utf8')).toBe(signer.publicKey);
  });

  test.each([0o644, 0o640, 0o660, 0o604, 0o601])('a key file of mode %o is refused', async (mode) => {
    await FileSigner.open(path, calm);
    await chmod(path, mode);
    await expect(FileSigner.open(path, calm)).rejects.toMatchObject({ code: 'signer/unusable-key' });
  });

  test('a key file behind a symbolic link is refused', async () => {
    await FileSigner.open(path, calm);
    await rename(path, join(folder, 'elsewhere'));
    await symlink(join(folder, 'elsewhere'), path);
    await expect(FileSigner.open(path, calm)).rejects.toMatchObject({ code: 'signer/unusable-key' });
  });

  test('a file that holds no Ed25519 key is refused and kept', async () => {
    const { privateKey } = generateKeyPairSync('x25519');
    for (const text of ['', 'no key', privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()]) {
      await writeFile(path, text, { mode: 0o600 });
      await expect(FileSigner.open(path, calm)).rejects.toMatchObject({ code: 'signer/unusable-key' });
      expect(await readFile(path, 'utf8')).toBe(text);
    }
  });

  test('a folder that is not there is named in the refusal', async () => {
    await expect(FileSigner.open(join(folder, 'absent', 'key'), calm)).rejects.toMatchObject({
      code: 'signer/unusable-key',
      message: expect.stringContaining('absent'),
    });
  });
});
