import { buildApplication, buildCommand, buildRouteMap, run, type Application, type Command } from '@stricli/core';
import type { CliContext } from './cli-context.ts';
import { commandTable, isVerb, verbs, type Verb } from './command-table.ts';
import { describeError, exitCodeOf, toErrorDocument, toHyperError } from './output/error-report.ts';
import { toJson } from './output/json-document.ts';
import type { Services } from './services.ts';
import { processTerminal, type Terminal } from './terminal.ts';
import { usageText } from './usage-text.ts';

/** Runs one command line and answers the exit code. Whatever goes wrong is told once, in the form that was asked for. */
export async function runCli(args: readonly string[], terminal: Terminal = processTerminal()): Promise<number> {
  let services: Promise<Services> | undefined;
  const context = {
    process: { stdout: { write: terminal.out }, stderr: { write: terminal.err }, env: process.env, exitCode: 0 as number | string | null },
    terminal,
    services: () => (services ??= import('./compose.ts').then(({ openServices }) => openServices())),
    again: (others: readonly string[]) => runOnce(others),
  };
  const runOnce = async (line: readonly string[]): Promise<number> => {
    if (line[0] === '--version') return tellVersion(terminal);
    if (line.length === 0 || asksFor(line, ['--help', '-h'])) return tellHelp(line[0], terminal);
    await run(await applicationFor(line), line, context);
    return Number(context.process.exitCode);
  };
  try {
    return await runOnce(args);
  } catch (thrown) {
    return tellError(thrown, { terminal, json: asksFor(args, ['--json']) });
  } finally {
    await (await services?.catch(() => undefined))?.[Symbol.asyncDispose]();
  }
}

/** The application with the named command in full and the others by name only. */
export async function applicationFor(line: readonly string[]): Promise<Application<CliContext>> {
  const named = isVerb(line[0]) ? line[0] : undefined;
  const command = named === undefined ? undefined : await commandTable[named].load();
  const routes = Object.fromEntries(verbs.map((verb) => [verb, verb === named && command ? command : nameOnly(verb)]));
  return buildApplication<CliContext>(buildRouteMap({ routes, docs: { brief: 'Export VM disks' } }), {
    name: 'hyperexport',
    scanner: { caseStyle: 'allow-kebab-for-camel', allowArgumentEscapeSequence: true },
    documentation: { caseStyle: 'convert-camel-to-kebab', disableAnsiColor: true },
    localization: { text: usageText },
  });
}

const nameOnly = (verb: Verb): Command<CliContext> =>
  buildCommand<Record<never, never>, [], CliContext>({ docs: { brief: commandTable[verb].brief }, parameters: {}, func: () => undefined });

function tellError(thrown: unknown, o: { readonly terminal: Terminal; readonly json: boolean }): number {
  const error = toHyperError(thrown);
  if (o.json) o.terminal.out(toJson(toErrorDocument(error)));
  else o.terminal.err(`${describeError(error)}\n`);
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
