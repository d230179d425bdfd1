import { createHash } from 'node:crypto';

/** Everything that is made at a source begins so. Libvirt's own names and those of other tools do not. */
const PREFIX = 'hypersdk-';
/** What our run ids are made of. */
const TAG = new RegExp(`^${PREFIX}(?<run>[A-Za-z0-9]{1,64})-(?<vm>[0-9a-f]{8,16})(?=$|[.-])`);

const SOCKET_ENDING = '.sock';
const SCRATCH_ENDING = '.scratch';

/** A socket's path has at most 107 bytes (unix(7)); the longest name behind the folder takes 58 of them. */
export const SCRATCH_FOLDER_LENGTH_MAX = 48;

/**
 * What a run calls its things at one VM: no other run, and no other VM of this run, has that name. People know the VM by the beginning of its UUID, but UUIDs that
 * were made by hand begin alike.
 */
export const tagOf = (run: string, uuid: string): string =>
  `${PREFIX}${run}-${uuid.slice(0, 8)}${createHash('sha256').update(uuid).digest('hex').slice(0, 8)}`;

/** The run that made what bears this name or path; undefined for what is not ours. */
export const runOf = (name: string): string | undefined => TAG.exec(name.slice(name.lastIndexOf('/') + 1))?.groups?.['run'];

export const socketPath = (folder: string, tag: string): string => `${folder}/${tag}${SOCKET_ENDING}`;
/** The socket of the backup that this scratch file is of; undefined for files that are not ours. */
export function socketBeside(scratch: string): string | undefined {
  const at = scratch.lastIndexOf('/');
  const tag = TAG.exec(scratch.slice(at + 1))?.[0];
  return tag === undefined ? undefined : socketPath(scratch.slice(0, at), tag);
}

export const scratchPath = (folder: string, tag: string, target: string): string => `${folder}/${tag}-${target}${SCRATCH_ENDING}`;
/** Whether it is a file of a backup, by its name. */
export const isScratch = (name: string): boolean => name.endsWith(SCRATCH_ENDING) || name.endsWith(SOCKET_ENDING);
