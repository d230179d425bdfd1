import { resolve, join } from 'node:path';
import { parseArgs } from 'node:util';
import { formatBytes, GIB, HyperError, MIB, parseBytes } from '@hypersdk/domain';
import { CHECKOUT } from './run-hyperexport.ts';

export interface Options {
  /** Where the sample and its exports lie. */
  readonly folder: string;
  /** Of the sample's disk, in bytes, when it has still to be made. */
  readonly size: number;
}

export const USAGE = `npm start [-- [--size SIZE] [--folder DIR]]

Makes a VM with a disk of real files, exports it to qcow2 with hyperexport, verifies
the copy, and shows where everything lies. Run it again to verify what is there.

  --size SIZE    Size of the disk (1 GiB), when it is made
  --folder DIR   Where to put it (.state/demo)
`;

const SIZE_DEFAULT = GIB;
/** A FAT32 volume needs 65,525 clusters, and a partition begins at 1 MiB. */
const SIZE_MIN = 40 * MIB;
const SIZE_MAX = 8 * GIB;

/** Undefined when help is wanted. */
export function parseOptions(args: readonly string[]): Options | undefined {
  const { size, folder, help } = parseFlags(args);
  if (help) return undefined;
  const bytes = size === undefined ? SIZE_DEFAULT : parseBytes(size);
  if (bytes === undefined || bytes < SIZE_MIN || bytes > SIZE_MAX) {
    throw new HyperError('usage/invalid', `--size takes ${formatBytes(SIZE_MIN)} to ${formatBytes(SIZE_MAX)}, such as 512M.`);
  }
  return { folder: folder === undefined ? join(CHECKOUT, '.state', 'demo') : resolve(folder), size: bytes };
}

function parseFlags(args: readonly string[]): { readonly size?: string; readonly folder?: string; readonly help?: boolean } {
  try {
    const options = { size: { type: 'string' }, folder: { type: 'string' }, help: { type: 'boolean', short: 'h' } } as const;
    return parseArgs({ args: [...args], options }).values;
  } catch (cause) {
    throw new HyperError('usage/invalid', cause instanceof Error ? `${cause.message.split('. ')[0]}.` : 'The flags are not understood.', { cause });
  }
}
