import type { HyperError } from '@hypersdk/domain';
import { refuse } from '../refusal.ts';

/** A place in the file of an image. */
export interface FilePlace {
  readonly path: string;
  readonly offset?: number;
}

export const malformed = (why: string, at: FilePlace): HyperError => refuse('image/malformed', why, { format: 'vhd', ...at });
export const unsupported = (why: string, at: FilePlace): HyperError => refuse('image/unsupported', why, { format: 'vhd', ...at });
export const tooLarge = (why: string, at: FilePlace): HyperError => refuse('image/too-large', why, { format: 'vhd', ...at });
export const refusedReference = (why: string, at: FilePlace): HyperError => refuse('image/refused-reference', why, { format: 'vhd', ...at });
