import { resolve } from 'node:path';
import { HyperError, type ReferencePolicy } from '@hypersdk/domain';
import { parseText } from './parsers.ts';

/** Which other files an image may lead to. */
export interface ReferenceFlags {
  readonly followReferences?: boolean;
  readonly parent?: readonly string[];
}

/** Absolute, so that a conversion that is resumed from another folder finds the same file. */
const parsePath = (text: string): string => resolve(parseText(text));

export const referenceFlags = {
  followReferences: { kind: 'boolean', optional: true, withNegated: false, brief: 'Allow files beside the image that it refers to' },
  parent: {
    kind: 'parsed',
    optional: true,
    variadic: true,
    parse: parsePath,
    placeholder: 'FILE',
    brief: 'Allow this file that it refers to; may be given again',
  },
} as const;

export function toReferencePolicy({ followReferences, parent }: ReferenceFlags): ReferencePolicy {
  if (!parent || parent.length === 0) return followReferences ? 'beside' : 'refuse';
  if (!followReferences) return { listed: parent };
  throw new HyperError(
    'usage/invalid',
    'Files beside the image and a list of files cannot both be allowed; give --parent for each file, or leave it out.',
  );
}
