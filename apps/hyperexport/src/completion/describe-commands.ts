import type { Command } from '@stricli/core';
import type { CliContext } from '../cli-context.ts';
import { commandTable, verbs, type Verb } from '../command-table.ts';
import { profileActions } from '../commands/profile.ts';
import { toFlagName } from '../help/format-flags.ts';
import { shells } from './shells.ts';

export interface FlagWords {
  /** With its dashes. */
  readonly name: string;
  readonly brief: string;
  /** The values to choose from; undefined when it takes none, empty when it takes any. */
  readonly values: readonly string[] | undefined;
  /** What follows is a file or folder. */
  readonly isPath: boolean;
}

export interface CommandWords {
  readonly name: string;
  readonly brief: string;
  readonly flags: readonly FlagWords[];
  /** Arguments that are words, not files. */
  readonly words: readonly string[];
}

const WORDS: Readonly<Partial<Record<Verb, readonly string[]>>> = { completion: shells, profile: profileActions };
const PATH_FLAGS: readonly string[] = ['to', 'publicKey', 'hook'];

/** Everything that can be typed, taken from the commands themselves. */
export async function describeCommands(): Promise<readonly CommandWords[]> {
  const described: CommandWords[] = [];
  for (const name of verbs) {
    const command: Command<CliContext> = await commandTable[name].load();
    const flags = Object.entries(command.parameters.flags ?? {}).map(([flag, about]) => ({
      name: toFlagName(flag),
      brief: about.brief,
      values: about.kind === 'boolean' || about.kind === 'counter' ? undefined : about.kind === 'enum' ? about.values : [],
      isPath: PATH_FLAGS.includes(flag),
    }));
    const help = { name: '--help', brief: 'Show this help', values: undefined, isPath: false };
    described.push({ name, brief: command.brief, flags: [...flags, help], words: WORDS[name] ?? [] });
  }
  return described;
}
