import { mkdir, readFile, realpath, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { HyperError, systemCode } from '@hypersdk/domain';
import { Document, parseDocument, type YAMLMap } from 'yaml';
import { readProfiles, type Profile } from './read-profiles.ts';

// Paths and names of a person's machines are nobody else's business.
const PRIVATE_FILE = 0o600;
const PRIVATE_FOLDER = 0o700;
const NAME = /^[\p{L}\p{N}_][\p{L}\p{N}_.-]{0,63}$/u;

/** Adds a profile to the configuration file, or replaces the one of that name. Everything else in the file stays as it was written, comments included. */
export async function saveProfile(path: string, name: string, profile: Profile): Promise<void> {
  if (!NAME.test(name)) throw new HyperError('usage/invalid', `"${name}" cannot be a profile's name: letters, digits, "-", "_" and "." make one`);
  // What cannot be read as a configuration must not be written over.
  await readProfiles(path);
  const text = await readIfThere(path);
  const document: Document = text === undefined || text.trim() === '' ? new Document({}) : parseDocument(text, { version: '1.2', schema: 'core' });
  if (document.contents === null) document.contents = document.createNode({}) as YAMLMap;
  document.setIn(['profiles', name], document.createNode(profile));
  await replaceFile(path, document.toString());
}

async function replaceFile(path: string, text: string): Promise<void> {
  // Whoever keeps the file elsewhere and links to it keeps the link.
  const place = await realpath(path).catch(() => path);
  const draft = `${place}.${process.pid}.new`;
  try {
    await mkdir(dirname(place), { recursive: true, mode: PRIVATE_FOLDER });
    await writeFile(draft, text, { mode: PRIVATE_FILE, flush: true });
    await rename(draft, place);
  } catch (cause) {
    await rm(draft, { force: true });
    throw new HyperError('target/read-only', `${path} cannot be written: the system answered ${systemCode(cause) ?? 'unknown'}`, { cause });
  }
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    if (systemCode(cause) === 'ENOENT') return undefined;
    throw cause;
  }
}
