import type { ImageFormat, ReferencePolicy } from '@hypersdk/domain';

/** A file that must be refused: plain data, so that another process can try it. */
export interface HostileCase {
  readonly name: string;
  readonly path: string;
  /** What the file is named as. */
  readonly format: ImageFormat;
  readonly references: ReferencePolicy;
  readonly code: string;
  /** A part of the refusal's message. */
  readonly message: string;
}

/** How one way of opening the file ended. */
export type Answer = 'accepted' | { readonly code: string; readonly message: string };

/** What a process that tried a file saw. Milliseconds are processor time of the process, whatever else the machine does. */
export interface Trial {
  readonly name: string;
  readonly referred: Answer;
  readonly inspected: Answer;
  readonly copied: Answer;
  readonly inspectMs: number;
  readonly copyMs: number;
  /** Growth of the process's memory at its highest. */
  readonly extraBytes: number;
  /** Files that the refused copy left in the target folder. */
  readonly left: readonly string[];
}
