import type { StricliProcess } from '@stricli/core';
import type { Services } from './services.ts';
import type { Terminal } from './terminal.ts';

/** What every command gets as `this`. */
export interface CliContext {
  readonly process: StricliProcess;
  readonly terminal: Terminal;
  /** Composes the program on first use, so that help and completion never load it. */
  services(): Promise<Services>;
  /** Runs another command line as if it had been typed, for `resume`. Answers its exit code. */
  again(args: readonly string[]): Promise<number>;
}
