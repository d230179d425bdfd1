import type { CommandWords, FlagWords } from './describe-commands.ts';

/** For bash 4 and later. Words are ours, so none needs quoting. */
export function bashScript(commands: readonly CommandWords[]): string {
  return `# bash completion for hyperexport
_hyperexport() {
  local word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD-1]} verb=\${COMP_WORDS[1]}
  COMPREPLY=()
  if (( COMP_CWORD == 1 )); then
    COMPREPLY=( $(compgen -W "${[...commands.map((command) => command.name), '--help', '--version'].join(' ')}" -- "$word") )
    return
  fi
  case "$verb $before" in
${commands.flatMap((command) => command.flags.map((flag) => valueCase(command, flag))).join('')}  esac
  case "$verb" in
${commands.map(flagCase).join('')}  esac
}
complete -F _hyperexport hyperexport
`;
}

function valueCase(command: CommandWords, flag: FlagWords): string {
  if (flag.values === undefined) return '';
  const reply =
    flag.values.length > 0
      ? `COMPREPLY=( $(compgen -W "${flag.values.join(' ')}" -- "$word") ); return`
      : flag.isPath
        ? 'compopt -o default; return'
        : 'return';
  return `    "${command.name} ${flag.name}") ${reply} ;;\n`;
}

function flagCase(command: CommandWords): string {
  const flags = command.flags.map((flag) => flag.name).join(' ');
  const argument = command.words.length > 0 ? `COMPREPLY=( $(compgen -W "${command.words.join(' ')}" -- "$word") )` : 'compopt -o default';
  return `    ${command.name}) if [[ $word == -* ]]; then COMPREPLY=( $(compgen -W "${flags}" -- "$word") ); else ${argument}; fi ;;\n`;
}
