import type { CommandWords, FlagWords } from './describe-commands.ts';

/** For zsh's own completion system (zshcompsys(1), `_arguments`). */
export function zshScript(commands: readonly CommandWords[]): string {
  return `#compdef hyperexport
_hyperexport() {
  local -a commands=(
${commands.map((command) => `    ${quote(`${command.name}:${command.brief}`)}\n`).join('')}  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  local verb=$words[2]
  shift words
  (( CURRENT-- ))
  case $verb in
${commands.map(commandCase).join('')}  esac
}
if [[ $funcstack[1] == _hyperexport ]]; then _hyperexport "$@"; else compdef _hyperexport hyperexport; fi
`;
}

function commandCase(command: CommandWords): string {
  const argument = command.words.length > 0 ? quote(`*:argument:(${command.words.join(' ')})`) : quote('*:file:_files');
  return `    ${command.name}) _arguments ${[...command.flags.map(flagSpec), argument].join(' ')} ;;\n`;
}

function flagSpec(flag: FlagWords): string {
  const brief = flag.brief.replaceAll(/[[\]:]/g, (sign) => `\\${sign}`);
  if (flag.values === undefined) return quote(`${flag.name}[${brief}]`);
  const action = flag.values.length > 0 ? `(${flag.values.join(' ')})` : flag.isPath ? '_files' : ' ';
  return quote(`${flag.name}=[${brief}]:value:${action}`);
}

const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
