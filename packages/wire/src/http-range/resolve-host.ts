import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { HyperError, whyUnreachable } from '@hypersdk/domain';

/** More addresses of one name are never tried. */
const ADDRESSES_MAX = 16;

export async function resolveHost(host: string): Promise<readonly string[]> {
  // Lookups are not made for addresses, so these are judged as they stand.
  if (isIP(host)) return [host];
  try {
    const found = await lookup(host, { all: true });
    return found.slice(0, ADDRESSES_MAX).map(({ address }) => address);
  } catch (cause) {
    throw new HyperError('http/unreachable', `${host} cannot be reached: ${whyUnreachable(cause)}.`, { cause });
  }
}
