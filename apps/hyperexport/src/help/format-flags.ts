import type { Command } from '@stricli/core';
import type { CliContext } from '../cli-context.ts';

type Flags = NonNullable<Command<CliContext>['parameters']['flags']>;
type Flag = Flags[string];

const NAME_WIDTH = 22;
const LINE_MAX = 80;

/** One line for each flag, two where the name is long, none wider than 80 columns. */
export function formatFlags(flags: Flags): string {
  return Object.entries(flags)
    .map(([name, flag]) => formatFlag(toFlagName(name), flag))
    .join('');
}

export const toFlagName = (name: string): string => `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

/** What follows a flag's name, and what it is for. */
export const toFlagWords = (flag: Flag): { readonly value: string; readonly about: string } => ({
  value: valueOf(flag),
  about: `${flag.brief}${noteOf(flag)}`,
});

function formatFlag(name: string, flag: Flag): string {
  const { value, about } = toFlagWords(flag);
  const words = value === '' ? name : `${name} ${value}`;
  if (words.length < NAME_WIDTH) return `  ${words.padEnd(NAME_WIDTH)}${about}\n`;
  const oneLine = `  ${words}  ${about}`;
  return oneLine.length <= LINE_MAX && words.length <= NAME_WIDTH + 2 ? `${oneLine}\n` : `  ${words}\n  ${' '.repeat(NAME_WIDTH)}${about}\n`;
}

function valueOf(flag: Flag): string {
  if (flag.kind === 'boolean' || flag.kind === 'counter') return '';
  return flag.kind === 'enum' ? flag.values.join('|') : (flag.placeholder ?? 'VALUE');
}

function noteOf(flag: Flag): string {
  if (flag.kind === 'boolean' || flag.kind === 'counter') return '';
  if (flag.default !== undefined) return ` (default: ${String(flag.default)})`;
  return flag.optional ? '' : ' (required)';
}
