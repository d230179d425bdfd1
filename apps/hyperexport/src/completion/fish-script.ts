import type { CommandWords, FlagWords } from './describe-commands.ts';

/** For fish: one `complete` line for each word (fish documentation, "complete"). */
export function fishScript(commands: readonly CommandWords[]): string {
  return [
    '# fish completion for hyperexport',
    ...commands.map((command) => `complete -c hyperexport -f -n __fish_use_subcommand -a ${command.name} -d ${quote(command.brief)}`),
    'complete -c hyperexport -f -n __fish_use_subcommand -l version -d "Print the version"',
    ...commands.flatMap((command) => [...command.flags.map((flag) => flagLine(command, flag)), ...argumentLines(command)]),
    '',
  ].join('\n');
}

function flagLine(command: CommandWords, flag: FlagWords): string {
  const line = `complete -c hyperexport -n "__fish_seen_subcommand_from ${command.name}" -l ${flag.name.slice(2)} -d ${quote(flag.brief)}`;
  if (flag.values === undefined) return line;
  if (flag.values.length > 0) return `${line} -x -a "${flag.values.join(' ')}"`;
  return flag.isPath ? `${line} -r` : `${line} -x`;
}

function argumentLines(command: CommandWords): readonly string[] {
  const condition = `complete -c hyperexport -n "__fish_seen_subcommand_from ${command.name}"`;
  return command.words.length > 0 ? [`${condition} -f -a "${command.words.join(' ')}"`] : [];
}

const quote = (text: string): string => `'${text.replaceAll("'", String.raw`\'`)}'`;
