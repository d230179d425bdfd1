import { HyperError } from '@hypersdk/domain';

const NAME_PART = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;
/** Our deepest object has two parts; a file system call for each part must stay cheap. */
const PART_COUNT_MAX = 16;

export const isObjectNamePart = (part: string): boolean => NAME_PART.test(part);

export interface ObjectName {
  readonly folders: readonly string[];
  readonly file: string;
}

/** The parts of an object's name, none of which can leave the folder: no dots alone, no separators, nothing hidden. */
export function parseObjectName(name: string): ObjectName {
  const parts = name.split('/');
  const file = parts.at(-1);
  if (file === undefined || parts.length > PART_COUNT_MAX || !parts.every(isObjectNamePart))
    throw new HyperError('usage/invalid', `${JSON.stringify(name)} is not a name for an object.`);
  return { folders: parts.slice(0, -1), file };
}
