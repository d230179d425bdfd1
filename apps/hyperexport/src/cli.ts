import type { CliContext } from './cli-context.ts';
import { isVerb, takesDefaults } from './command-table.ts';
import { wantsPlain } from './config.ts';
import type { Services } from './services.ts';
import { processTerminal, type Terminal } from './terminal.ts';

/**
 * Runs one command line and answers the exit code. Whatever goes wrong is told once, in the form that was asked for.
 * Modules are loaded on the way to where they are needed, so that help and version start at once.
 */
export async function runCli(args: readonly string[], terminal: Terminal = processTerminal()): Promise<number> {
  let services: Promise<Services> | undefined;
  const context: CliContext = {
    process: { stdout: { write: terminal.out }, stderr: { write: terminal.err }, env: process.env, exitCode: 0 },
    terminal,
    services: () => (services ??= import('./compose.ts').then(({ openServices }) => openServices())),
    again: (others: readonly string[]) => runOnce(others),
  };
  const runOnce = async (line: readonly string[]): Promise<number> => {
    if (line[0] === '--version') return tellVersion(terminal);
    if (isBare(line) || asksFor(line, ['--help', '-h'])) return tellHelp(line[0], terminal);
    const { runLine } = await import('./application.ts');
    return runLine(line, context);
  };
  // Only what was typed is filled up: a run that goes on is the same run, whatever profiles say by now.
  const runTyped = async (line: readonly string[]): Promise<number> => {
    if (terminal.canAsk && isBare(line)) return ask(context, line);
    if (!takesDefaults(line[0]) || asksFor(line, ['--help', '-h'])) return runOnce(line);
    const { blameOrigin, withDefaults } = await import('./profile/with-defaults.ts');
    const filled = await withDefaults(line, process.env);
    return runOnce(filled.line).catch((thrown: unknown) => Promise.reject(blameOrigin(thrown, filled)));
  };
  try {
    return await runTyped(spellOut(args));
  } catch (thrown) {
    return await tellError(thrown, { terminal, json: asksFor(args, ['--json']) });
  } finally {
    await (await services?.catch(() => undefined))?.[Symbol.asyncDispose]();
  }
}

/** `help` is what many programs take for `--help`. */
const spellOut = (line: readonly string[]): readonly string[] => (line[0] === 'help' ? [...line.slice(1), '--help'] : line);

/** The program alone, or with the wish for plain lines. */
const isBare = (line: readonly string[]): boolean => line.length === 0 || (line.length === 1 && line[0] === '--plain');

async function ask(context: CliContext, line: readonly string[]): Promise<number> {
  const [{ openAsker }, { runGuide }] = await Promise.all([import('./guide/open-asker.ts'), import('./guide/run-guide.ts')]);
  const look = { plain: line.length > 0 || wantsPlain(process.env) };
  using asker = await openAsker(context.terminal, look);
  return await runGuide(context, asker, look);
}

async function tellError(thrown: unknown, o: { readonly terminal: Terminal; readonly json: boolean }): Promise<number> {
  const [{ describeError, exitCodeOf, toErrorDocument, toHyperError }, { toJson }] = await Promise.all([
    import('./output/error-report.ts'),
    import('./output/json-document.ts'),
  ]);
  const error = toHyperError(thrown);
  if (o.json) o.terminal.out(toJson(toErrorDocument(error)));
  else o.terminal.err(`${describeError(error).replace(/^hyperexport:/, (name) => o.terminal.paintError('red', name))}\n`);
  return exitCodeOf(error);
}

async function tellHelp(word: string | undefined, terminal: Terminal): Promise<number> {
  const { commandHelp, rootHelp } = await import('./help/help-text.ts');
  terminal.out(isVerb(word) ? await commandHelp(word) : rootHelp());
  return 0;
}

async function tellVersion(terminal: Terminal): Promise<number> {
  const { tool } = await import('./tool.ts');
  terminal.out(`${tool.version}\n`);
  return 0;
}

/** Asked before the flags are parsed, because the flags themselves may be what is wrong. */
function asksFor(args: readonly string[], flags: readonly string[]): boolean {
  const end = args.indexOf('--');
  return (end === -1 ? args : args.slice(0, end)).some((word) => flags.includes(word));
}
