import { HyperError } from '@hypersdk/domain';
import type { DecryptionKeys } from '@hypersdk/ports';
import { describe, expect, test } from 'vitest';
import { openKeyFiles, SECRET } from './build-key-files.ts';
import { askIfLocked, readKeys } from './read-keys.ts';

const file = openKeyFiles();

const invalid = expect.objectContaining({ code: 'usage/invalid' });

describe('keys that open an image', () => {
  test('are read as age-keygen writes them, from several files', async () => {
    const one = file('one', `# created: today\n# public key: age1x\n${SECRET}\n`);
    const two = file('two', `\r\n${SECRET}2\r\n`);
    expect(await readKeys({ identity: [one, two] })).toEqual({ identities: [SECRET, `${SECRET}2`] });
  });

  test('may be a passphrase, which is the first line', async () => {
    expect(await readKeys({ passphraseFile: file('pass', 'correct horse \nrest') })).toEqual({ passphrase: 'correct horse ' });
    expect(await readKeys({})).toEqual({});
  });

  test.each<[string, string, string]>([
    ['encrypted itself', 'age-encryption.org/v1\n', 'age -d'],
    ['of SSH', '-----BEGIN OPENSSH PRIVATE KEY-----\n', 'SSH'],
    ['empty', '# nothing\n', 'empty'],
    ['something else', `${SECRET}\nAGE1OTHER-QQQ\n`, 'line 2'],
  ])('in a file that is %s are refused without repeating it', async (_, text, why) => {
    const reading = readKeys({ identity: [file('odd', text)] });
    await expect(reading).rejects.toThrow(invalid);
    await expect(reading).rejects.toThrow(why);
    await expect(reading).rejects.not.toThrow('QQQ');
  });

  test('in a file that is not there, or far too large, are refused', async () => {
    await expect(readKeys({ identity: [`${file('here', '')}.absent`] })).rejects.toThrow(expect.objectContaining({ code: 'source/not-found' }));
    await expect(readKeys({ passphraseFile: file('large', 'x'.repeat(300_000)) })).rejects.toThrow(invalid);
    await expect(readKeys({ passphraseFile: file('blank', '\n') })).rejects.toThrow(invalid);
  });

  test('are only asked for when a passphrase is missing and somebody is there', async () => {
    const locked =
      (needs: string) =>
      async (keys: DecryptionKeys): Promise<DecryptionKeys> => {
        throw new HyperError('encryption/locked', `needs a ${needs}`, { detail: { needs, path: 'x', keys } });
      };
    await expect(askIfLocked({}, { canAsk: false }, locked('passphrase'))).rejects.toThrow('needs a passphrase');
    await expect(askIfLocked({}, { canAsk: true }, locked('identity'))).rejects.toThrow('needs a identity');
    expect(await askIfLocked({}, undefined, async (keys) => keys)).toEqual({});
  });
});
