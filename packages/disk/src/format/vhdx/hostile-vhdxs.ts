import type { ErrorCode } from '@hypersdk/domain';
import { hostileHeaders } from './hostile-headers.ts';
import { hostileLogs } from './hostile-logs.ts';
import { hostileMetadata } from './hostile-metadata.ts';
import { hostileParents } from './hostile-parents.ts';
import { hostileTables } from './hostile-tables.ts';

/** An image that must be refused, at the latest when all of it is read, when files that it names may not be opened. */
export interface HostileVhdx {
  readonly name: string;
  /** Made anew each time: they are large, and there are many. */
  readonly bytes: Uint8Array;
  readonly code: ErrorCode;
  /** A part of the message. */
  readonly message: string;
}

/** What is wrong with an image, and how it is made so. */
export interface Damage extends Omit<HostileVhdx, 'bytes'> {
  readonly make: () => Uint8Array;
}

/** Malformed and malicious disks, made from sound ones. For tests and fuzzers. */
export const hostileVhdxs = (): readonly HostileVhdx[] =>
  [...hostileHeaders, ...hostileMetadata, ...hostileTables, ...hostileLogs, ...hostileParents].map(({ make, ...expected }) => ({
    ...expected,
    get bytes(): Uint8Array {
      return make();
    },
  }));
