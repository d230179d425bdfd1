import { buildCommand, buildChoiceParser } from '@stricli/core';
import type { CliContext } from '../cli-context.ts';
import { shells, type Shell } from '../completion/shells.ts';

export const completionCommand = buildCommand<Record<never, never>, [Shell], CliContext>({
  docs: {
    brief: 'Print the completion script for your shell',
    customUsage: ['bash | zsh | fish'],
    fullDescription: `The script completes commands, flags, their values and file names without starting this
program.

EXAMPLES
  hyperexport completion bash > ~/.local/share/bash-completion/completions/hyperexport
  hyperexport completion zsh > "\${fpath[1]}/_hyperexport"
  hyperexport completion fish > ~/.config/fish/completions/hyperexport.fish`,
  },
  parameters: { positional: { kind: 'tuple', parameters: [{ parse: buildChoiceParser(shells), placeholder: 'SHELL', brief: shells.join(', ') }] } },
  async func(_flags, shell) {
    const { completionScript } = await import('../completion/completion-script.ts');
    this.terminal.out(await completionScript(shell));
  },
});
