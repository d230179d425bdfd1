import { HyperError } from '@hypersdk/domain';
import type { Encryption } from '@hypersdk/ports';
import type { EncryptFlags } from '../flags/key-flags.ts';
import type { Terminal } from '../terminal.ts';
import { askNewPassphrase } from './ask-passphrase.ts';
import { meaningfulLines, readPassphrase, readSmallFile } from './secret-file.ts';

/** For whom the flags want images encrypted; undefined when they say nothing. */
export async function chooseEncryption(
  flags: EncryptFlags,
  o: { readonly keyFolder: string; readonly terminal: Pick<Terminal, 'canAsk'> },
): Promise<Encryption | undefined> {
  const { keyFolder } = o;
  const recipients = [...(flags.encryptTo ?? [])];
  for (const path of flags.encryptToFile ?? []) recipients.push(...(await readRecipients(path)));
  const byPassphrase = [
    flags.encryptPassphrase && '--encrypt-passphrase',
    flags.encryptPassphraseFile !== undefined && '--encrypt-passphrase-file',
  ].filter((flag) => flag !== false && flag !== undefined);
  if (byPassphrase.length > 1) throw new HyperError('usage/invalid', `${byPassphrase.join(' and ')} both say a passphrase; give one of them`);
  if (byPassphrase.length > 0 && recipients.length > 0)
    throw new HyperError(
      'usage/invalid',
      `A file is encrypted for recipients or with a passphrase, not both; leave out ${byPassphrase[0]} or the recipients`,
    );
  if (recipients.length > 0) return { recipients: [...new Set(recipients)], keyFolder };
  if (flags.encryptPassphraseFile !== undefined) return { passphrase: await readPassphrase(flags.encryptPassphraseFile), keyFolder };
  return flags.encryptPassphrase ? { passphrase: await askNewPassphrase(o.terminal), keyFolder } : undefined;
}

async function readRecipients(path: string): Promise<readonly string[]> {
  const lines = meaningfulLines(await readSmallFile(path));
  const foreign = lines.find(({ line }) => !line.startsWith('age1'));
  if (foreign) throw new HyperError('usage/invalid', `${path} holds no age recipients: line ${foreign.number} does not begin with age1.`);
  if (lines.length === 0) throw new HyperError('usage/invalid', `${path} holds no age recipients: it is empty.`);
  return lines.map(({ line }) => line);
}
