import { HyperError } from '@hypersdk/domain';
import { commandTable, defaultedVerbs, takesDefaults } from '../command-table.ts';
import { configFile, type Environment } from '../config.ts';
import { toFlagName } from '../help/format-flags.ts';
import { defaultableFlags, fillLine, takeProfile, type FilledLine } from './fill-line.ts';
import { findProfile, readProfiles, type Profile } from './read-profiles.ts';

/** A typed line with what the environment and the profile add to it. */
export async function withDefaults(line: readonly string[], env: Environment): Promise<FilledLine> {
  const [verb] = line;
  if (!takesDefaults(verb)) return { line, origins: new Map() };
  const { name: typed, line: rest } = takeProfile(line);
  const profiles = await readProfiles(configFile(env));
  const name = typed ?? (env['HYPEREXPORT_PROFILE'] || profiles.default);
  const command = await commandTable[verb].load();
  const flags = command.parameters.flags ?? {};
  if (name === undefined) return fillLine(rest, { flags, env });
  const settings = findProfile(profiles, name);
  await checkSettings(settings, name);
  return fillLine(rest, { flags, env, profile: { name, settings } });
}

/** A setting that one of the commands knows is not misspelled, even where this one has no use for it. */
export async function checkSettings(settings: Profile, profile: string): Promise<void> {
  const known = new Set<string>();
  for (const verb of defaultedVerbs) {
    const command = await commandTable[verb].load();
    for (const name of defaultableFlags(command.parameters.flags ?? {})) known.add(toFlagName(name).slice(2));
  }
  const stranger = Object.keys(settings).find((name) => !known.has(name));
  if (stranger !== undefined)
    throw new HyperError('document/malformed', `Profile ${profile} has a setting "${stranger}" that is the name of no flag.`);
}

/** Says where a wrong value came from, when it was not typed. */
export function blameOrigin(thrown: unknown, { origins }: FilledLine): unknown {
  if (!(thrown instanceof HyperError) || thrown.code !== 'usage/invalid') return thrown;
  const flag = /^--[a-z0-9-]+/.exec(thrown.message)?.[0] ?? '';
  const origin = origins.get(flag);
  return origin === undefined ? thrown : new HyperError(thrown.code, `From ${origin}: ${thrown.message}`, { detail: thrown.detail, cause: thrown });
}
