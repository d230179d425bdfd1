import { HyperError } from '@hypersdk/domain';
import type { CliContext } from '../cli-context.ts';
import type { BrowseFlags } from '../commands/browse.ts';
import { wantsPlain } from '../config.ts';
import { openAsker } from '../guide/open-asker.ts';
import { runGuide } from '../guide/run-guide.ts';
import { canDraw, isTooSmall, SIZE_MIN, windowSize } from './window.ts';

/** The full screen where it can be drawn and is wanted; questions in plain lines otherwise. The drawing is loaded only where it is used. */
export async function browse(this: CliContext, flags: BrowseFlags, source = '.'): Promise<void> {
  this.process.exitCode = await runEither(this, flags, source);
}

async function runEither(cli: CliContext, flags: BrowseFlags, source: string): Promise<number> {
  if (!cli.terminal.canAsk)
    throw new HyperError('usage/invalid', 'There is no terminal to ask in; hyperexport list and hyperexport export need none');
  const isPlain = flags.plain === true || wantsPlain(process.env) || !canDraw(process.env);
  const size = windowSize();
  if (!isPlain && !isTooSmall(size)) return await (await import('./run-browse.ts')).runFullScreen(cli, flags, source);
  if (!isPlain)
    cli.terminal.err(
      `hyperexport: the window has ${size.columns}x${size.rows}, the full screen needs ${SIZE_MIN.columns}x${SIZE_MIN.rows}; here are questions in plain lines.\n`,
    );
  using asker = await openAsker(cli.terminal, { plain: true });
  return await runGuide(cli, asker, { plain: true, source, flags });
}
