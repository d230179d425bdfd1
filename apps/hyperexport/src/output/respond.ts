import type { CliContext } from '../cli-context.ts';
import type { OutputFlags } from '../flags/output-flags.ts';
import { toJson } from './json-document.ts';

/** The result of a command, once: the document for programs or the text for people. */
export function respond(cli: CliContext, flags: OutputFlags, result: { readonly document: unknown; text(): string }): void {
  if (flags.json) cli.terminal.out(toJson(result.document));
  else if (!flags.quiet) cli.terminal.out(result.text());
}
