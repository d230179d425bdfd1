import { createHash } from 'node:crypto';
import { HyperError } from '@hypersdk/domain';

/** What a storage target takes as one part of a name. */
const SAFE_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;
/** Device names of Windows, with any extension: a share or a stick may end up there. */
const RESERVED_NAME = /^(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\.|$)/i;

const NAME_LENGTH_MAX = 128;
/** 48 bits: two of a million replaced names meet with a chance of 1 in 500. */
const HASH_LENGTH = 12;

export const isExportName = (name: string): boolean => SAFE_NAME.test(name) && !name.endsWith('.') && !RESERVED_NAME.test(name);

export function checkExportName(name: string): void {
  if (isExportName(name)) return;
  throw new HyperError(
    'usage/invalid',
    `The name of an export starts with a letter or digit and has up to 128 letters, digits, dots, dashes and underscores, unlike "${name}".`,
  );
}

/** A folder name for an export of this VM. VM names are hostile: one that is not safe as it stands is spelled with safe characters and a hash of the whole name. */
export const toExportName = (vmName: string): string => toSafeName(vmName, NAME_LENGTH_MAX);

/** The same for any text, with a limit of its own. */
export function toSafeName(text: string, lengthMax: number): string {
  if (isExportName(text) && text.length <= lengthMax) return text;
  const hash = createHash('sha256').update(text, 'utf16le').digest('hex').slice(0, HASH_LENGTH);
  const spelled = text
    .slice(0, NAME_LENGTH_MAX)
    .replaceAll(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/^[._-]+/, '')
    .slice(0, lengthMax - HASH_LENGTH - 1);
  const stem = spelled === '' || RESERVED_NAME.test(spelled) ? 'vm' : trimEnd(spelled);
  return `${stem}-${hash}`;
}

/** A loop, because a pattern for the end of a text takes quadratic time on long runs. */
function trimEnd(text: string): string {
  let end = text.length;
  while (end > 0 && '._-'.includes(text.charAt(end - 1))) end -= 1;
  return text.slice(0, end);
}
