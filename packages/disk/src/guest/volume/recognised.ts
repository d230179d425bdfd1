import type { VolumeContent } from '@hypersdk/domain';
import type { FileTree } from '../files/file-tree.ts';
import type { Span } from '../span.ts';

/** What a volume turned out to hold. */
export interface Recognised {
  readonly content: VolumeContent;
  /** Sentences on what is wrong with it. */
  readonly problems: readonly string[];
  /** Opens its files, where those are read; throws what `damaged` makes. */
  readonly openFiles?: () => FileTree;
}

/** Looks for one signature. Undefined when it is not there; throws what `damaged` makes when what follows it is broken. */
export type Recogniser = (span: Span) => Recognised | undefined;

/** Leaves out what a volume does not say. */
export function describe(content: VolumeContent, problems: readonly string[] = []): Recognised {
  const { label, uuid, ...rest } = content;
  return { content: { ...rest, ...(label ? { label } : {}), ...(uuid ? { uuid } : {}) }, problems };
}

/** A sentence when the content claims more room than its volume has. */
export const checkFits = (span: Span, size: number, what: string): readonly string[] =>
  size > span.size ? [`The ${what} says it takes ${size} bytes, but its volume has ${span.size}.`] : [];

/** The bytes at a place, or undefined where the volume is too small to have them. */
export const readIfThere = (
  span: Span,
  range: { readonly offset: number; readonly length: number },
  what: string,
): ReturnType<Span['read']> | undefined => (range.offset >= 0 && range.offset + range.length <= span.size ? span.read(range, what) : undefined);
