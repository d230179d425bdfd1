import { HyperError } from '@hypersdk/domain';
import type { DecryptionKeys } from '@hypersdk/ports';
import type { KeyFlags } from '../flags/key-flags.ts';
import type { Terminal } from '../terminal.ts';
import { askPassphrase } from './ask-passphrase.ts';
import { meaningfulLines, readPassphrase, readSmallFile } from './secret-file.ts';

/** What was given to open encrypted images with. */
export async function readKeys({ identity = [], passphraseFile }: KeyFlags): Promise<DecryptionKeys> {
  const identities: string[] = [];
  for (const path of identity) identities.push(...(await readIdentities(path)));
  const passphrase = passphraseFile === undefined ? {} : { passphrase: await readPassphrase(passphraseFile) };
  return { ...(identities.length > 0 ? { identities } : {}), ...passphrase };
}

/** Opens with the keys given; where a passphrase turns out to be needed and somebody is there, asks for it. */
export async function askIfLocked<Opened>(
  keys: DecryptionKeys,
  terminal: Pick<Terminal, 'canAsk'> | undefined,
  open: (keys: DecryptionKeys) => Promise<Opened>,
): Promise<Opened> {
  try {
    return await open(keys);
  } catch (error) {
    const isForPerson =
      error instanceof HyperError && error.code === 'encryption/locked' && error.detail['needs'] === 'passphrase' && terminal?.canAsk;
    if (!isForPerson) throw error;
    return await open({ ...keys, passphrase: await askPassphrase(terminal, String(error.detail['path'])) });
  }
}

/** As `age-keygen` writes them: comments, and one identity to a line. */
async function readIdentities(path: string): Promise<readonly string[]> {
  const text = await readSmallFile(path);
  if (/^(?:age-encryption\.org|-----BEGIN AGE)/.test(text)) throw unfit(path, 'it is encrypted itself; decrypt it first with: age -d');
  if (text.startsWith('-----BEGIN')) throw unfit(path, 'SSH and PEM keys are not read; make one with: age-keygen');
  const lines = meaningfulLines(text);
  const foreign = lines.find(({ line }) => !line.startsWith('AGE-SECRET-KEY-'));
  if (foreign) throw unfit(path, `line ${foreign.number} does not begin with AGE-SECRET-KEY-`);
  if (lines.length === 0) throw unfit(path, 'it is empty');
  return lines.map(({ line }) => line);
}

const unfit = (path: string, why: string): HyperError => new HyperError('usage/invalid', `${path} holds no age identities: ${why}.`);
