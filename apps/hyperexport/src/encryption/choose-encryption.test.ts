import { describe, expect, test } from 'vitest';
import { openKeyFiles, SECRET } from './build-key-files.ts';
import { chooseEncryption } from './choose-encryption.ts';

const file = openKeyFiles();

const invalid = expect.objectContaining({ code: 'usage/invalid' });
const nobody = { keyFolder: '/state', terminal: { canAsk: false } };

describe('the choice of an encryption', () => {
  test('is none without a word', async () => {
    expect(await chooseEncryption({}, nobody)).toBeUndefined();
  });

  test('takes recipients from the line and from files, each once', async () => {
    const recipients = file('recipients', '# the team\nage1b\nage1c\n');
    expect(await chooseEncryption({ encryptTo: ['age1a', 'age1b'], encryptToFile: [recipients] }, nobody)).toEqual({
      recipients: ['age1a', 'age1b', 'age1c'],
      keyFolder: '/state',
    });
  });

  test('takes a passphrase from a file', async () => {
    expect(await chooseEncryption({ encryptPassphraseFile: file('pass', 'word\n') }, nobody)).toEqual({ passphrase: 'word', keyFolder: '/state' });
  });

  test.each<[string, Parameters<typeof chooseEncryption>[0]]>([
    ['recipients and a passphrase', { encryptTo: ['age1a'], encryptPassphrase: true }],
    ['two passphrases', { encryptPassphrase: true, encryptPassphraseFile: '/pass' }],
    ['a passphrase that nobody is there to type', { encryptPassphrase: true }],
  ])('is not %s', async (_, flags) => {
    await expect(chooseEncryption(flags, nobody)).rejects.toThrow(invalid);
  });

  test('takes no file of identities for one of recipients', async () => {
    const choosing = chooseEncryption({ encryptToFile: [file('slip', `${SECRET}\n`)] }, nobody);
    await expect(choosing).rejects.toThrow('line 1');
    await expect(choosing).rejects.not.toThrow('QQQ');
  });
});
