import { open } from 'node:fs/promises';
import { HyperError, systemCode } from '@hypersdk/domain';

/** Thousands of recipients or identities; what is larger is another file. */
const SIZE_MAX = 256 * 1024;

/** Text of a small file. Nothing of it is ever part of a message. A pipe does too: `--passphrase-file <(pass show backup)`. */
export async function readSmallFile(path: string): Promise<string> {
  try {
    await using file = await open(path, 'r');
    const bytes = Buffer.alloc(SIZE_MAX + 1);
    let length = 0;
    for (;;) {
      const { bytesRead } = await file.read(bytes, length, bytes.length - length);
      length += bytesRead;
      if (length > SIZE_MAX) throw new HyperError('usage/invalid', `${path} has more than ${SIZE_MAX} bytes: it is another file.`);
      if (bytesRead === 0) return bytes.toString('utf8', 0, length);
    }
  } catch (cause) {
    if (cause instanceof HyperError) throw cause;
    const code = systemCode(cause) ?? 'an error';
    if (code === 'ENOENT') throw new HyperError('source/not-found', `There is no ${path}.`, { cause });
    throw new HyperError('source/unreadable', `${path}: the system answered ${code} while reading it.`, { cause });
  }
}

/** Lines that say something, without their numbers being lost: comments begin with #. */
export const meaningfulLines = (text: string): readonly { readonly line: string; readonly number: number }[] =>
  text
    .split('\n')
    .map((line, index) => ({ line: line.trim(), number: index + 1 }))
    .filter(({ line }) => line !== '' && !line.startsWith('#'));

/** The first line, without what ends it. */
export async function readPassphrase(path: string): Promise<string> {
  const [passphrase = ''] = (await readSmallFile(path)).split(/\r?\n/, 1);
  if (passphrase === '') throw new HyperError('usage/invalid', `${path} holds no passphrase: its first line is empty.`);
  return passphrase;
}
