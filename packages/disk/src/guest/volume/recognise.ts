import { HyperError, KIB } from '@hypersdk/domain';
import type { Span } from '../span.ts';
import { recogniseBtrfs } from './btrfs.ts';
import { recogniseExfat } from './exfat.ts';
import { recogniseExt } from './ext.ts';
import { recogniseFat } from './fat.ts';
import { recogniseIso9660 } from './iso9660.ts';
import { recogniseLuks } from './luks.ts';
import { recogniseLvm } from './lvm.ts';
import { recogniseNtfs } from './ntfs.ts';
import { describe, type Recognised, type Recogniser } from './recognised.ts';
import { recogniseSignature } from './signatures.ts';
import { recogniseSwap } from './swap.ts';
import { recogniseXfs } from './xfs.ts';

/** Containers first: what lies in one may show through its outside. FAT, which has no signature, comes after all that have one. */
const RECOGNISERS: readonly Recogniser[] = [
  recogniseLuks,
  recogniseLvm,
  recogniseNtfs,
  recogniseExfat,
  recogniseXfs,
  recogniseBtrfs,
  recogniseExt,
  recogniseSwap,
  recogniseSignature,
  recogniseFat,
  recogniseIso9660,
];

/** Behind the last signature that counts, btrfs's at 64 KiB, with some room. */
const HEAD_SIZE = 128 * KIB;

/** Says what a volume holds. Broken contents are described as far as they can be, with what is wrong in words. */
export function recognise(span: Span): Recognised {
  const problems: string[] = [];
  for (const recogniser of RECOGNISERS) {
    try {
      const found = recogniser(span);
      if (found) return problems.length === 0 ? found : { ...found, problems: [...problems, ...found.problems] };
    } catch (error) {
      // Something has the signature but not the sense of this kind; it may still be another.
      if (!(error instanceof HyperError)) throw error;
      problems.push(error.message);
    }
  }
  const head = span.read({ offset: 0, length: Math.min(HEAD_SIZE, span.size) }, 'head of the volume');
  return describe({ kind: head.isZero() ? 'empty' : 'unknown', details: {} }, problems);
}
