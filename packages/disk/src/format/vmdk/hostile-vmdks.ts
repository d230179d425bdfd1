import type { ErrorCode } from '@hypersdk/domain';
import { hostileDescriptors } from './hostile-descriptors.ts';
import { hostileHeaders } from './hostile-headers.ts';
import { hostileStreams } from './hostile-streams.ts';
import { hostileTables } from './hostile-tables.ts';

/** An image that must be refused, at the latest when all of it is read, when files that it names may not be opened. */
export interface HostileVmdk {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly code: ErrorCode;
  /** A part of the message. */
  readonly message: string;
}

/** Malformed and malicious disks, made anew from sound ones. For tests and fuzzers. */
export const hostileVmdks = (): readonly HostileVmdk[] => [...hostileHeaders(), ...hostileTables(), ...hostileStreams(), ...hostileDescriptors()];
