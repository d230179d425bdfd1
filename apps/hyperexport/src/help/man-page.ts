import type { Command } from '@stricli/core';
import type { CliContext } from '../cli-context.ts';
import { commandTable, verbs, type Verb } from '../command-table.ts';
import { exitCodes } from './exit-codes.ts';
import { toFlagName, toFlagWords } from './format-flags.ts';

/** man-pages(7) wants the day of the last change; a page that is made from the program has its version instead. */
const SECTION = '1';

/** Variables that the program reads. */
const ENVIRONMENT: readonly (readonly [name: string, meaning: string])[] = [
  ['HYPERSDK_STATE', 'Folder of keys and history, instead of $XDG_STATE_HOME/hypersdk or ~/.local/state/hypersdk.'],
  ['HYPEREXPORT_CONFIG', 'File of profiles, instead of $XDG_CONFIG_HOME/hyperexport/config.yaml or ~/.config/hyperexport/config.yaml.'],
  ['HYPEREXPORT_PROFILE', 'Profile to use where --profile is not given.'],
  ['HYPEREXPORT_FLAG', 'Value for a flag of export and convert that is not given, such as HYPEREXPORT_LIMIT_RATE. Counts before the profile.'],
  ['NO_COLOR', 'No colour, when it is set and not empty.'],
  ['TERM', 'With "dumb", plain lines instead of drawing.'],
  ['LC_ALL, LC_CTYPE, LANG', 'Bars are drawn in ASCII unless these name UTF-8.'],
];

/** The manual page in the man macros (groff_man(7)), from the tables that the help is made of. */
export async function manPage(version: string): Promise<string> {
  const parts = [
    `.TH HYPEREXPORT ${SECTION} "" "hyperexport ${version}" "User Commands"`,
    '.SH NAME',
    'hyperexport \\- export virtual machine disks, convert them, and prove the copy',
    '.SH SYNOPSIS',
    ...verbs.flatMap((verb) => [`.B hyperexport ${verb}`, ...usageOf(verb), '.br']),
    '.SH DESCRIPTION',
    'Exports virtual machine disks, converts them on the way, survives being stopped, and proves the copy.',
    'Typed alone in a terminal, it asks what to export; elsewhere it prints its help.',
    '.SH COMMANDS',
  ];
  for (const verb of verbs) parts.push(...describeCommand(verb, await commandTable[verb].load()));
  parts.push('.SH ENVIRONMENT', ...ENVIRONMENT.flatMap(([name, meaning]) => item(bold(name), meaning)));
  parts.push('.SH EXIT STATUS', ...exitCodes.flatMap(([code, meaning]) => item(bold(String(code)), meaning)));
  parts.push('.SH SEE ALSO', '.BR qemu\\-img (1),', '.BR sha256sum (1)');
  return `${parts.join('\n')}\n`;
}

/** A line of its own, or none: an empty line would be a paragraph. */
const usageOf = (verb: Verb): readonly string[] => {
  const { usage } = commandTable[verb];
  return usage.length === 0 ? [] : [roff(usage)];
};

function describeCommand(verb: Verb, command: Command<CliContext>): readonly string[] {
  const flags = Object.entries(command.parameters.flags ?? {});
  return [
    ['.SS', verb, ...usageOf(verb)].join(' '),
    ...toParagraphs(command.fullDescription ?? command.brief),
    ...flags.flatMap(([name, flag]) => {
      const { value, about } = toFlagWords(flag);
      return item(`${bold(toFlagName(name))}${value === '' ? '' : ` ${italic(value)}`}`, about);
    }),
  ];
}

/** Lines that are indented stand as they are; others flow. */
function toParagraphs(text: string): readonly string[] {
  const lines: string[] = [];
  let isExample = false;
  for (const line of text.split('\n')) {
    const isIndented = line.startsWith('  ');
    if (isIndented !== isExample && line !== '') {
      lines.push(isIndented ? '.EX' : '.EE');
      isExample = isIndented;
    }
    if (line === '') lines.push(isExample ? '' : '.PP');
    else if (line === 'EXAMPLES') lines.push('.B Examples', '.PP');
    else lines.push(roff(line));
  }
  // A request on an empty line inside an example would be a break too many.
  return [...lines, ...(isExample ? ['.EE'] : [])].filter((line) => line !== '');
}

const item = (tag: string, about: string): readonly string[] => ['.TP', tag, roff(about)];
const bold = (text: string): string => `\\fB${roff(text)}\\fR`;
const italic = (text: string): string => `\\fI${roff(text)}\\fR`;

/** Text that no macro and no escape is seen in; letters beyond ASCII by their code, so that any locale reads them. */
const roff = (text: string): string =>
  text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll("'", '\\(aq')
    .replaceAll('~', '\\(ti')
    .replaceAll('^', '\\(ha')
    .replaceAll(/[^\u0000-\u007F]/gu, (letter) => `\\[u${letter.codePointAt(0)?.toString(16).toUpperCase().padStart(4, '0') ?? ''}]`)
    .replace(/^\./, '\\&.');
