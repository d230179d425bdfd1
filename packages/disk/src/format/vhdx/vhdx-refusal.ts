import type { HyperError } from '@hypersdk/domain';
import { refuse } from '../refusal.ts';

/** A place in one of the files of an image. */
export interface FilePlace {
  readonly path: string;
  readonly offset?: number;
}

export const malformed = (why: string, at: FilePlace): HyperError => refuse('image/malformed', why, { format: 'vhdx', ...at });
export const mismatched = (why: string, at: FilePlace): HyperError => refuse('image/format-mismatch', why, { format: 'vhdx', ...at });
export const unsupported = (why: string, at: FilePlace): HyperError => refuse('image/unsupported', why, { format: 'vhdx', ...at });
export const tooLarge = (why: string, at: FilePlace): HyperError => refuse('image/too-large', why, { format: 'vhdx', ...at });
export const refusedReference = (why: string, at: FilePlace): HyperError => refuse('image/refused-reference', why, { format: 'vhdx', ...at });
