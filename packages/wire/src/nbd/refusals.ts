import { HyperError, type ErrorCode } from '@hypersdk/domain';
import { placeOf, type NbdAddress } from './nbd-address.ts';

type NbdCode = ErrorCode & `nbd/${string}`;

/** A server that does not keep to the protocol. `why` completes "The NBD server …". */
export const misbehaves = (code: NbdCode, why: string, detail: Readonly<Record<string, unknown>> = {}): HyperError =>
  new HyperError(code, `The NBD server ${why}.`, { detail });

/** Nobody was met at all. */
export const unreachable = (address: NbdAddress, why: string, cause?: unknown): HyperError =>
  new HyperError('nbd/unreachable', `The NBD server at ${placeOf(address)} cannot be reached: ${why}.`, { detail: { address }, cause });

const ERROR_NAMES: Readonly<Record<number, string>> = {
  1: 'it is not permitted',
  5: 'its medium failed',
  12: 'it is out of memory',
  22: 'it calls the request invalid',
  28: 'it is out of space',
  75: 'the request is too large for it',
  95: 'it does not support this',
  108: 'it is shutting down',
};

interface RequestPlace {
  readonly offset: number;
  readonly message?: string;
}

/** What a server answered to one request, in words. Its own words are behind the number, since they may say anything. */
export const requestFailure = (errorNumber: number, place: RequestPlace): HyperError =>
  new HyperError('source/unreadable', `The NBD server cannot read at byte ${place.offset}: ${wordsOf(errorNumber, place)}.`, {
    detail: { errorNumber, offset: place.offset },
  });

/** EPERM, ENOSPC, as the protocol numbers them. */
const CHANGE_CODES: Readonly<Record<number, ErrorCode>> = { 1: 'target/read-only', 28: 'target/full' };

/** The same for a request that changes the disk. */
export const changeFailure = (errorNumber: number, place: RequestPlace): HyperError =>
  new HyperError(
    CHANGE_CODES[errorNumber] ?? 'target/unwritable',
    `The NBD server cannot write at byte ${place.offset}: ${wordsOf(errorNumber, place)}.`,
    { detail: { errorNumber, offset: place.offset } },
  );

function wordsOf(errorNumber: number, { message }: RequestPlace): string {
  const why = ERROR_NAMES[errorNumber] ?? `it gives the error ${errorNumber}`;
  return message ? `${why} ("${message}")` : why;
}

/** Text of a server for people: cut short, without what a terminal would obey. */
export const toPrintable = (bytes: Uint8Array): string =>
  Buffer.from(bytes)
    .toString('utf8')
    .replaceAll(/[\p{Cc}\p{Cf}\p{Cs}]/gu, ' ')
    .slice(0, 200)
    .trim();
