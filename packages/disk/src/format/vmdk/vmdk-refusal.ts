import type { HyperError } from '@hypersdk/domain';
import { refuse } from '../refusal.ts';

/** A place in one of the files of an image. */
export interface FilePlace {
  readonly path: string;
  readonly offset?: number;
}

export const malformed = (why: string, at: FilePlace): HyperError => refuse('image/malformed', why, { format: 'vmdk', ...at });
export const unsupported = (why: string, at: FilePlace): HyperError => refuse('image/unsupported', why, { format: 'vmdk', ...at });
export const tooLarge = (why: string, at: FilePlace): HyperError => refuse('image/too-large', why, { format: 'vmdk', ...at });
export const refusedReference = (why: string, at: FilePlace): HyperError => refuse('image/refused-reference', why, { format: 'vmdk', ...at });
export const encrypted = (why: string, at: FilePlace): HyperError => refuse('image/encrypted', why, { format: 'vmdk', ...at });
