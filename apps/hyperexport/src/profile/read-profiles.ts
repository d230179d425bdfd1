import { readFile, stat } from 'node:fs/promises';
import { HyperError, systemCode } from '@hypersdk/domain';
import { listNearest } from '../output/nearest-names.ts';

/** Values of flags by the flags' names, without dashes in front. */
export type Profile = Readonly<Record<string, ProfileValue>>;
export type ProfileValue = string | number | boolean | readonly string[];

export interface Profiles {
  /** Used where no profile is named. */
  readonly default?: string;
  readonly named: ReadonlyMap<string, Profile>;
}

const NO_PROFILES: Profiles = { named: new Map() };

/** A person writes this file; one that is larger is another file. */
const FILE_SIZE_MAX = 1024 * 1024;

/** The profiles of a configuration file; none where there is no file. The YAML reader is loaded only when there is one. */
export async function readProfiles(path: string): Promise<Profiles> {
  const text = await readIfThere(path);
  if (text === undefined) return NO_PROFILES;
  const { readYaml } = await import('../read-yaml.ts');
  return toProfiles(readYaml(text, { path, what: 'configuration' }), path);
}

export function findProfile(profiles: Profiles, name: string): Profile {
  const profile = profiles.named.get(name);
  if (profile) return profile;
  const names = listNearest([...profiles.named.keys()], name);
  throw new HyperError('profile/not-found', `There is no profile ${name}; ${names === '' ? 'none is configured' : `there is ${names}`}`);
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    if ((await stat(path)).size > FILE_SIZE_MAX) throw malformed(path, `it has more than ${FILE_SIZE_MAX} bytes`);
    return await readFile(path, 'utf8');
  } catch (cause) {
    if (systemCode(cause) === 'ENOENT' || systemCode(cause) === 'ENOTDIR') return undefined;
    if (cause instanceof HyperError) throw cause;
    throw new HyperError('source/forbidden', `${path} cannot be read: the system answered ${systemCode(cause) ?? 'unknown'}.`, { cause });
  }
}

function toProfiles(document: unknown, path: string): Profiles {
  if (document === undefined || document === null) return NO_PROFILES;
  if (!isRecord(document)) throw malformed(path, 'it is not a mapping');
  const { profiles, default: chosen, ...rest } = document;
  const [stranger] = Object.keys(rest);
  if (stranger !== undefined) throw malformed(path, `there is no setting "${stranger}"`);
  if (profiles !== undefined && !isRecord(profiles)) throw malformed(path, '"profiles" is not a mapping');
  const named = new Map(Object.entries(profiles ?? {}).map(([name, profile]) => [name, toProfile(profile, { name, path })]));
  if (chosen === undefined) return { named };
  if (typeof chosen !== 'string' || !named.has(chosen)) throw malformed(path, '"default" does not name a profile');
  return { default: chosen, named };
}

function toProfile(value: unknown, { name, path }: { readonly name: string; readonly path: string }): Profile {
  if (!isRecord(value)) throw malformed(path, `profile ${name} is not a mapping`);
  return Object.fromEntries(
    Object.entries(value).map(([flag, setting]) => {
      if (!isValue(setting)) throw malformed(path, `"${flag}" of profile ${name} is neither text, a number, yes or no, nor a list of texts`);
      return [flag, setting];
    }),
  );
}

const isValue = (value: unknown): value is ProfileValue =>
  ['string', 'number', 'boolean'].includes(typeof value) || (Array.isArray(value) && value.every((one) => typeof one === 'string'));

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null && !Array.isArray(value);

const malformed = (path: string, why: string): HyperError =>
  new HyperError('document/malformed', `${path} is not a configuration: ${why}.`, { detail: { path } });
