import type { ErrorCode } from '@hypersdk/domain';
import { hostileDynamics } from './hostile-dynamics.ts';
import { hostileFooters } from './hostile-footers.ts';
import { hostileParents } from './hostile-parents.ts';

/** An image that must be refused, at the latest when all of it is read, when files that it names may not be opened. */
export interface HostileVhd {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly code: ErrorCode;
  /** A part of the message. */
  readonly message: string;
}

/** Malformed and malicious disks, made anew from sound ones. For tests and fuzzers. */
export const hostileVhds = (): readonly HostileVhd[] => [...hostileFooters(), ...hostileDynamics(), ...hostileParents()];
