import { buildCommand } from '@stricli/core';
import type { CliContext } from '../cli-context.ts';
import { shells, type Shell } from '../completion/shells.ts';

export const completionCommand = buildCommand<Record<never, never>, [Shell], CliContext>({
  docs: {
    brief: 'Print the completion script for your shell',
    fullDescription: `The script completes commands, flags, their values and file names without
starting this program.

EXAMPLES
  hyperexport completion bash >> ~/.bash_completion
  hyperexport completion zsh > "\${fpath[1]}/_hyperexport"
  hyperexport completion fish > ~/.config/fish/completions/hyperexport.fish`,
  },
  parameters: { positional: { kind: 'tuple', parameters: [{ parse: parseShell, placeholder: 'SHELL', brief: shells.join(', ') }] } },
  async func(_flags, shell) {
    const { completionScript } = await import('../completion/completion-script.ts');
    this.terminal.out(await completionScript(shell));
  },
});

function parseShell(text: string): Shell {
  const shell = shells.find((one) => one === text);
  if (!shell) throw new Error(`it must be one of ${shells.join(', ')}.`);
  return shell;
}
