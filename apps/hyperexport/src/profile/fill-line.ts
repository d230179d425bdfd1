import { HyperError } from '@hypersdk/domain';
import type { Command } from '@stricli/core';
import type { CliContext } from '../cli-context.ts';
import type { Environment } from '../config.ts';
import { toFlagName } from '../help/format-flags.ts';
import type { Profile, ProfileValue } from './read-profiles.ts';

type Flags = NonNullable<Command<CliContext>['parameters']['flags']>;

/** A line with what was not typed, and where each added word is from. */
export interface FilledLine {
  readonly line: readonly string[];
  /** By flag, with its dashes: `HYPEREXPORT_FORMAT`, `profile nightly`. */
  readonly origins: ReadonlyMap<string, string>;
}

/** What is about this one run cannot be a default. */
const NEVER_DEFAULT: ReadonlySet<string> = new Set(['profile', 'json', 'dryRun', 'validateOnly']);

/** Flags that profiles and the environment may set. */
export const defaultableFlags = (flags: Flags): readonly string[] => Object.keys(flags).filter((name) => !NEVER_DEFAULT.has(name));

/**
 * Adds flags that were not typed: from the environment (`HYPEREXPORT_LIMIT_RATE`), else from the profile, else they keep the command's default.
 * They become words of the line, so that one parser judges all of them. The line begins with the command.
 */
export function fillLine(
  line: readonly string[],
  o: { readonly flags: Flags; readonly env: Environment; readonly profile?: { readonly name: string; readonly settings: Profile } },
): FilledLine {
  const [verb = '', ...words] = line;
  const typed = typedFlags(words);
  const origins = new Map<string, string>();
  const added: string[] = [];
  for (const name of defaultableFlags(o.flags)) {
    const flag = toFlagName(name);
    if (typed.has(flag)) continue;
    const variable = variableOf(flag);
    const fromEnvironment = o.env[variable];
    const fromProfile = o.profile?.settings[flag.slice(2)];
    const value = fromEnvironment === undefined || fromEnvironment === '' ? fromProfile : fromEnvironment;
    if (value === undefined) continue;
    const origin = value === fromEnvironment ? variable : `profile ${o.profile?.name ?? ''}`;
    added.push(...toWords(flag, value, { isSwitch: o.flags[name]?.kind === 'boolean', origin }));
    origins.set(flag, origin);
  }
  return { line: [verb, ...added, ...words], origins };
}

/** The profile that a line names, and the line without it. */
export function takeProfile(line: readonly string[]): { readonly name?: string; readonly line: readonly string[] } {
  const end = endOfFlags(line);
  const at = line.findIndex((word, index) => index < end && (word === '--profile' || word.startsWith('--profile=')));
  if (at === -1) return { line };
  const isOneWord = line[at]?.includes('=') ?? false;
  const name = isOneWord ? line[at]?.slice('--profile='.length) : line[at + 1];
  if (name === undefined || name === '' || name.startsWith('--')) throw new HyperError('usage/invalid', '--profile is missing its name');
  return { name, line: line.toSpliced(at, isOneWord ? 1 : 2) };
}

const variableOf = (flag: string): string => `HYPEREXPORT_${flag.slice(2).replaceAll('-', '_').toUpperCase()}`;

/** Flags in kebab case, whichever case they were typed in. */
function typedFlags(words: readonly string[]): ReadonlySet<string> {
  const flags = words.slice(0, endOfFlags(words)).filter((word) => word.startsWith('--'));
  return new Set(flags.map((word) => toFlagName(word.slice(2).split('=')[0] ?? '')));
}

function endOfFlags(words: readonly string[]): number {
  const end = words.indexOf('--');
  return end === -1 ? words.length : end;
}

const SWITCH_WORDS: Readonly<Record<string, boolean>> = {
  true: true,
  yes: true,
  on: true,
  '1': true,
  false: false,
  no: false,
  off: false,
  '0': false,
};

function toWords(flag: string, value: ProfileValue, o: { readonly isSwitch: boolean; readonly origin: string }): readonly string[] {
  if (!o.isSwitch) return (typeof value === 'object' ? value : [String(value)]).map((one) => `${flag}=${one}`);
  const isOn = SWITCH_WORDS[String(value).toLowerCase()];
  if (isOn === undefined) throw new HyperError('usage/invalid', `${o.origin} says "${String(value)}" for ${flag}; it must be yes or no`);
  return isOn ? [flag] : [];
}
