import { randomBytes } from 'node:crypto';
import { HyperError } from '@hypersdk/domain';
import { beforeAll, describe, expect, test } from 'vitest';
import { MemoryFile } from '../file/memory-file.ts';
import { encryptFor, encryptWith, newKeyPair, type KeyPair } from './build-age.ts';
import { drawKey, findFileKey } from './file-key.ts';
import { readHeader } from './header.ts';

const KEYS = { keyFolder: '/nowhere' };
let ours: KeyPair;
let other: KeyPair;
let file: Uint8Array;
beforeAll(async () => {
  [ours, other] = [await newKeyPair(), await newKeyPair()];
  file = await encryptFor([other.recipient, ours.recipient], randomBytes(10));
});

async function codeOf(work: Promise<unknown>): Promise<string> {
  return await work.then(
    () => 'nothing was thrown',
    (error: unknown) => (error instanceof HyperError ? error.code : String(error)),
  );
}
const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');

describe('the key of a file', () => {
  test('is found with the identity of any recipient, also as one of several identities', async () => {
    const key = await findFileKey(new MemoryFile(file), { identities: [ours.identity] });
    expect(key).toHaveLength(16);
    const third = await newKeyPair();
    expect(await findFileKey(new MemoryFile(file), { identities: [third.identity, other.identity] })).toEqual(key);
  });

  test('is not looked for where nothing is encrypted', async () => {
    expect(await findFileKey(new MemoryFile(randomBytes(100)), {})).toBeUndefined();
    expect(await findFileKey(new MemoryFile(new Uint8Array(3)), {})).toBeUndefined();
  });

  test('needs an identity or a passphrase, as the file says', async () => {
    await expect(findFileKey(new MemoryFile(file), {})).rejects.toThrow(
      expect.objectContaining({ code: 'encryption/locked', detail: { path: 'memory', needs: 'identity' } }),
    );
    const secret = await encryptWith('right', randomBytes(10));
    await expect(findFileKey(new MemoryFile(secret), { identities: [ours.identity] })).rejects.toThrow(
      expect.objectContaining({ code: 'encryption/locked', detail: { path: 'memory', needs: 'passphrase' } }),
    );
    expect(await findFileKey(new MemoryFile(secret), { passphrase: 'right' })).toHaveLength(16);
  });

  test('is not had with another identity or passphrase', async () => {
    const third = await newKeyPair();
    expect(await codeOf(findFileKey(new MemoryFile(file), { identities: [third.identity] }))).toBe('encryption/wrong-key');
    const secret = await encryptWith('right', randomBytes(10));
    expect(await codeOf(findFileKey(new MemoryFile(secret), { passphrase: 'wrong' }))).toBe('encryption/wrong-key');
  });

  test('is drawn anew for each file, for everybody who is named', async () => {
    const drawn = await drawKey({ ...KEYS, recipients: [ours.recipient, other.recipient] });
    for (const { identity } of [ours, other])
      expect(await findFileKey(new MemoryFile(drawn.header), { identities: [identity] })).toEqual(drawn.fileKey);
    expect((await drawKey({ ...KEYS, recipients: [ours.recipient] })).fileKey).not.toEqual(drawn.fileKey);
  });

  test('is not drawn for what is no recipient, and an identity is not repeated', async () => {
    expect(await codeOf(drawKey({ ...KEYS, recipients: ['age1nonsense'] }))).toBe('usage/invalid');
    expect(await codeOf(drawKey({ ...KEYS, recipients: ['ssh-ed25519 AAAA'] }))).toBe('usage/invalid');
    const slip = drawKey({ ...KEYS, recipients: [ours.identity] });
    await expect(slip).rejects.toThrow('this is an identity');
    await expect(slip).rejects.not.toThrow(ours.identity.slice(20, 40));
  });

  test('a damaged identity is not repeated either', async () => {
    const damaged = `${ours.identity.slice(0, -1)}${ours.identity.endsWith('Q') ? 'P' : 'Q'}`;
    const slip = findFileKey(new MemoryFile(file), { identities: [damaged] });
    await expect(slip).rejects.toThrow(expect.objectContaining({ code: 'usage/invalid' }));
    await expect(slip).rejects.not.toThrow(ours.identity.slice(20, 40));
  });
});

describe('a hostile header', () => {
  const withText = (change: (text: string) => string): MemoryFile => new MemoryFile(Buffer.from(change(textOf(file)), 'latin1'));

  test.each<[string, (text: string) => string, string]>([
    ['without an end', (text) => text.slice(0, 60), 'cut short'],
    ['that is longer than any', (text) => text.replace('\n--- ', `\n${'-> grease x\n'.repeat(60_000)}--- `), 'does not end within'],
    ['with more recipients than any', (text) => text.replace('\n--- ', `\n${'-> grease x\nAA\n'.repeat(300)}--- `), 'more than 256'],
    ['without recipients', (text) => `age-encryption.org/v1\n${text.slice(text.indexOf('--- '))}`, 'no recipient'],
    ['as text', () => '-----BEGIN AGE ENCRYPTED FILE-----\nYWdlLWVuY3J5cHRpb24ub3JnL3YxCi0+\n', 'armored'],
  ])('%s is refused before any key is tried', async (_, change, why) => {
    expect(() => readHeader(withText(change))).toThrow(why);
    expect(await codeOf(findFileKey(withText(change), { identities: [ours.identity] }))).toBe('encryption/malformed');
  });

  test('that asks for more work than a passphrase is worth is refused before the work', async () => {
    const secret = textOf(await encryptWith('right', randomBytes(10)));
    const costly = new MemoryFile(Buffer.from(secret.replace(/(-> scrypt \S+) 10/, '$1 30'), 'latin1'));
    const since = performance.now();
    await expect(findFileKey(costly, { passphrase: 'right' })).rejects.toThrow('2^20');
    expect(performance.now() - since).toBeLessThan(1000);
  });

  test('that mixes a passphrase with recipients is refused', async () => {
    const secret = textOf(await encryptWith('right', randomBytes(10)));
    const mixed = secret.replace('\n--- ', '\n-> X25519 AAAA\nAA\n--- ');
    expect(await codeOf(findFileKey(new MemoryFile(Buffer.from(mixed, 'latin1')), { passphrase: 'right' }))).toBe('encryption/malformed');
  });

  test('that says other than its code is not believed', async () => {
    const changed = withText((text) => text.replace('\n--- ', '\n-> grease\nAA\n--- '));
    expect(await codeOf(findFileKey(changed, { identities: [ours.identity] }))).toBe('encryption/malformed');
  });
});
