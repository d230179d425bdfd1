// The Linux kernel's include/linux/swap.h, `union swap_header`: the signature ends the first page, the header stands at byte 1024.
import type { Span } from '../span.ts';
import { describe, readIfThere, type Recognised } from './recognised.ts';

/** Pages of the machines that Linux runs on. */
const PAGE_SIZES = [4096, 8192, 16_384, 32_768, 65_536] as const;
const SIGNATURE_SIZE = 10;
const SIGNATURES: ReadonlyMap<string, 'swap' | 'hibernated'> = new Map([
  ['SWAPSPACE2', 'swap'],
  ['SWAP-SPACE', 'swap'],
  ['S1SUSPEND', 'hibernated'],
  ['S2SUSPEND', 'hibernated'],
  ['ULSUSPEND', 'hibernated'],
  ['LINHIB0001', 'hibernated'],
]);
const HEADER = { offset: 1024, length: 44 } as const;
const FIELD = { lastPage: 4, uuid: 12, label: 28 } as const;

export function recogniseSwap(span: Span): Recognised | undefined {
  for (const pageSize of PAGE_SIZES) {
    const end = readIfThere(span, { offset: pageSize - SIGNATURE_SIZE, length: SIGNATURE_SIZE }, 'swap signature');
    const found = SIGNATURES.get(end?.text(0, SIGNATURE_SIZE, 'latin1') ?? '');
    if (!found) continue;
    const head = span.read(HEADER, 'swap header');
    return describe(
      {
        kind: 'swap',
        label: head.text(FIELD.label, 16),
        uuid: head.uuid(FIELD.uuid),
        size: (head.u32(FIELD.lastPage) + 1) * pageSize,
        clean: found === 'swap',
        details: { pageSize },
      },
      found === 'swap' ? [] : ['A hibernated Linux lies in this swap space: its file systems are not in order until it wakes up.'],
    );
  }
  return undefined;
}
