// "XFS Algorithms & Data Structures", 3rd edition, "Journaling Log". The log is a ring of 512-byte blocks; each begins with the number of its round.
import { endOf, type ByteRange } from '@hypersdk/domain';
import type { Fields } from '../fields.ts';
import type { Span } from '../span.ts';

const BLOCK = 512;
const RECORD_MAGIC = 0xfeedbabe;
const RECORD = { version: 8, length: 12, operations: 40, headerSize: 320 } as const;
/** One header block for each so many bytes of a record. */
const BYTES_PER_HEADER = 32 * 1024;
const OPERATION_FLAGS = 9;
const UNMOUNT = 0x20;
/** The largest record, 256 KiB, and its headers: so far back from the head a record begins. */
const BACK_MAX = 512 + 8;

/** Whether the newest record of a log says that the file system was unmounted. Undefined when there is no newest record to be found. */
export function isXfsLogClean(span: Span, log: ByteRange): boolean | undefined {
  const count = log.length / BLOCK;
  if (!Number.isSafeInteger(count) || count < 2 || endOf(log) > span.size) return undefined;
  const block = (index: number): Fields => span.read({ offset: log.offset + index * BLOCK, length: BLOCK }, 'XFS log');
  const head = findHead(count, (index) => roundOf(block(index)));
  for (let back = 1; back <= Math.min(BACK_MAX, count); back += 1) {
    const index = (head - back + count) % count;
    const record = block(index);
    if (record.u32be(0) !== RECORD_MAGIC) continue;
    if (record.u32be(RECORD.operations) !== 1) return false;
    const headers = record.u32be(RECORD.version) === 1 ? 1 : Math.max(1, Math.ceil(record.u32be(RECORD.headerSize) / BYTES_PER_HEADER));
    return (block((index + headers) % count).u8(OPERATION_FLAGS) & UNMOUNT) !== 0;
  }
  return undefined;
}

/** The block after the newest one: where the round changes from that of the first block, found by halving. */
function findHead(count: number, round: (index: number) => number): number {
  const first = round(0);
  if (round(count - 1) === first) return 0;
  let [low, high] = [0, count - 1];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (round(middle) === first) low = middle;
    else high = middle;
  }
  return high;
}

/** A record's header has its magic number in front of the round. */
const roundOf = (block: Fields): number => (block.u32be(0) === RECORD_MAGIC ? block.u32be(4) : block.u32be(0));
