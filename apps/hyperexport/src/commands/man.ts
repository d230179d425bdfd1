import { buildCommand } from '@stricli/core';
import type { CliContext } from '../cli-context.ts';

export const manCommand = buildCommand<Record<never, never>, [], CliContext>({
  docs: {
    brief: 'Print the manual page',
    fullDescription: `The page is made from the same tables as --help, for man and groff.

EXAMPLES
  hyperexport man | man --local-file -
  hyperexport man > ~/.local/share/man/man1/hyperexport.1`,
  },
  parameters: {},
  async func() {
    const [{ manPage }, { tool }] = await Promise.all([import('../help/man-page.ts'), import('../tool.ts')]);
    this.terminal.out(await manPage(tool.version));
  },
});
