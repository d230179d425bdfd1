// ECMA-119, 4th edition, section 8.4 "Primary Volume Descriptor". Numbers stand in both byte orders.
import type { Span } from '../span.ts';
import { checkFits, describe, readIfThere, type Recognised } from './recognised.ts';

const DESCRIPTOR = { offset: 16 * 2048, length: 2048 } as const;
const PRIMARY = '\x01CD001';
const FIELD = { label: 40, blockCount: 80, blockSize: 128, created: 813 } as const;

export function recogniseIso9660(span: Span): Recognised | undefined {
  const head = readIfThere(span, DESCRIPTOR, 'ISO 9660 volume descriptor');
  if (!head?.has(0, PRIMARY)) return undefined;
  const size = head.u32(FIELD.blockCount) * head.u16(FIELD.blockSize);
  const created = head.text(FIELD.created, 16, 'latin1');
  // Section 8.4.26.1 gives sixteen digits; programs that mount by UUID use them with dashes.
  const uuid = /^\d{16}$/.test(created) ? created.replace(/^(.{4})(..)(..)(..)(..)(..)(..)$/, '$1-$2-$3-$4-$5-$6-$7') : '';
  return describe({ kind: 'iso9660', label: head.text(FIELD.label, 32), uuid, size, details: {} }, checkFits(span, size, 'file system'));
}
