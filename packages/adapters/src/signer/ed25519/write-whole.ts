import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { link, open, rename, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { systemCode } from '@hypersdk/domain';

const NEW_FILE_FLAGS = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

export interface WholeFile {
  readonly text: string;
  readonly mode: number;
  readonly ifAbsent: boolean;
}

/** Gives a name to a whole, durable file; with `ifAbsent` only when the name is free. Answers whether this call did. Nobody ever reads half of it. */
export async function writeWhole(path: string, file: WholeFile): Promise<boolean> {
  const temporary = `${path}.${randomBytes(9).toString('hex')}`;
  try {
    await writeNewFile(temporary, file);
    await publish(temporary, path, file);
  } catch (error) {
    await unlink(temporary).catch(() => undefined);
    if (file.ifAbsent && systemCode(error) === 'EEXIST') return false;
    throw error;
  }
  await using folder = await open(dirname(path), constants.O_RDONLY | constants.O_DIRECTORY);
  await folder.sync();
  return true;
}

async function writeNewFile(path: string, { text, mode }: WholeFile): Promise<void> {
  await using file = await open(path, NEW_FILE_FLAGS, mode);
  await file.writeFile(text);
  await file.sync();
}

async function publish(temporary: string, path: string, { ifAbsent }: WholeFile): Promise<void> {
  if (!ifAbsent) return rename(temporary, path);
  await link(temporary, path);
  await unlink(temporary);
}
