import { HyperError, type ErrorCode } from '@hypersdk/domain';

type NbdCode = ErrorCode & `nbd/${string}`;

/** A server that does not keep to the protocol. `why` completes "The NBD server …". */
export const misbehaves = (code: NbdCode, why: string, detail: Readonly<Record<string, unknown>> = {}): HyperError =>
  new HyperError(code, `The NBD server ${why}.`, { detail });

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

/** What a server answered to one request, in words. Its own words are behind the number, since they may say anything. */
export function requestFailure(errorNumber: number, place: { readonly offset: number; readonly message?: string }): HyperError {
  const why = ERROR_NAMES[errorNumber] ?? `it gives the error ${errorNumber}`;
  const words = place.message ? ` ("${place.message}")` : '';
  return new HyperError('source/unreadable', `The NBD server cannot read at byte ${place.offset}: ${why}${words}.`, {
    detail: { errorNumber, offset: place.offset },
  });
}

/** Text of a server for people: cut short, without what a terminal would obey. */
export const toPrintable = (bytes: Uint8Array): string =>
  Buffer.from(bytes)
    .toString('utf8')
    .replaceAll(/[\p{Cc}\p{Cf}\p{Cs}]/gu, ' ')
    .slice(0, 200)
    .trim();
