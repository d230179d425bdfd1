import type { ReferencePolicy } from '@hypersdk/domain';

/**
 * The name under which a file that an image names may be asked for, out of the names that the image has for it: a plain one when files beside the image
 * may be opened, and the last part of the first one when the caller lists the files. Undefined when none may be followed.
 */
export function followedName(names: readonly string[], references: ReferencePolicy): string | undefined {
  if (references === 'refuse') return undefined;
  return references === 'beside' ? names.find(isPlainName) : names.map(lastPart).find(isPlainName);
}

/** A name that means a file in the same folder on every system. */
const isPlainName = (name: string): boolean => name !== '' && name !== '.' && name !== '..' && !/[/\\:\p{Cc}\ufffd]/u.test(name);

/** What follows the last separator of any system. */
const lastPart = (name: string): string => name.slice(Math.max(name.lastIndexOf('/'), name.lastIndexOf('\\')) + 1);
