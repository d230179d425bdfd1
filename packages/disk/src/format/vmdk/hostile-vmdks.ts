import type { ErrorCode } from '@hypersdk/domain';
import { hostileChains } from './hostile-chains.ts';
import { hostileDeltas } from './hostile-deltas.ts';
import { hostileDescriptors } from './hostile-descriptors.ts';
import { hostileHeaders } from './hostile-headers.ts';
import { hostileStreams } from './hostile-streams.ts';
import { hostileTables } from './hostile-tables.ts';

/** An image that must be refused, at the latest when all of it is read. */
export interface HostileVmdk {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly code: ErrorCode;
  /** A part of the message. */
  readonly message: string;
  /** Files that lie beside it and may be opened; without any, files that it names may not. It is called `disk.vmdk` itself. */
  readonly beside?: Readonly<Record<string, Uint8Array>>;
}

/** Malformed and malicious disks, made anew from sound ones. For tests and fuzzers. */
export const hostileVmdks = (): readonly HostileVmdk[] => [
  ...hostileHeaders(),
  ...hostileTables(),
  ...hostileStreams(),
  ...hostileDescriptors(),
  ...hostileDeltas(),
  ...hostileChains(),
];
