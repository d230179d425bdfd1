// RFC 9110 §15.4 "Redirection", §15.3.7 "206 Partial Content", §8.8 "Validator Fields".
import { HyperError } from '@hypersdk/domain';
import { leadsInside } from './address-zone.ts';
import { MemoryPlace } from './body-place.ts';
import { HttpConnection } from './http-connection.ts';
import { parseHttpTarget, type HeaderFields, type HttpTarget } from './http-target.ts';
import { malformed, toPrintable } from './refusals.ts';
import { toRequest } from './request.ts';
import { resolveHost } from './resolve-host.ts';
import { contentRangeOf, type ResponseHead } from './response-head.ts';
import { refusalOf } from './status-refusal.ts';
import { validatorOf, type Validator } from './validator.ts';

export interface HttpWish {
  readonly url: string;
  readonly fields: HeaderFields;
  /** PEM of the authority that signed the servers' certificates; absent: those that the system trusts. */
  readonly authority?: string;
  readonly silenceMs?: number;
}

/** A file that was found, with all that its ranges are asked for. */
export interface FoundFile {
  readonly target: HttpTarget;
  readonly addresses: readonly string[];
  /** None once a redirection led to another origin: they are not its business. */
  readonly fields: HeaderFields;
  readonly size: number;
  readonly validator: Validator;
}

const REDIRECTS_MAX = 5;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);

/** Asks for the first byte, wherever redirections lead, and so learns the size of the file and what names its content. */
export async function findFile(wish: HttpWish, o: { readonly signal: AbortSignal }): Promise<FoundFile> {
  let target = parseHttpTarget(wish.url);
  let fields: HeaderFields = [...wish.fields, ...(target.authorization === undefined ? [] : [['Authorization', target.authorization] as const])];
  let addresses = await resolveHost(target.host);
  for (let hops = 0; hops <= REDIRECTS_MAX; hops += 1) {
    const found = await askFirstByte({ target, fields, addresses }, wish, o);
    if (!('location' in found)) return found;
    const next = redirected(target, found.location);
    const nextAddresses = await resolveHost(next.host);
    if (leadsInside(addresses, nextAddresses)) {
      throw refused(target, `leads from the internet to ${next.host}, which lies in a private network`);
    }
    if (next.origin !== target.origin) fields = [];
    target = next;
    addresses = nextAddresses;
  }
  throw refused(target, `is the end of more than ${REDIRECTS_MAX} redirections`);
}

type Place = Pick<FoundFile, 'target' | 'fields' | 'addresses'>;

async function askFirstByte(
  place: Place,
  wish: HttpWish,
  { signal }: { readonly signal: AbortSignal },
): Promise<FoundFile | { readonly location: string }> {
  const { authority, silenceMs } = wish;
  const { target, addresses } = place;
  using connection = await HttpConnection.open(target, {
    signal,
    addresses,
    ...(authority === undefined ? {} : { authority }),
    ...(silenceMs === undefined ? {} : { silenceMs }),
  });
  const stop = (): void => connection.fail(signal.reason);
  signal.addEventListener('abort', stop, { once: true });
  try {
    const request = toRequest(place, { offset: 0, length: 1 });
    const { head } = await connection.exchange(request, (answer) =>
      answer.status === 206 ? new MemoryPlace(new Uint8Array(requireFirstByte(answer))) : undefined,
    );
    return head.status === 206 ? { ...place, size: contentRangeOf(head).size, validator: validatorOf(head) } : { location: locationOf(head, target) };
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** Answers the length of the body. */
function requireFirstByte(head: ResponseHead): number {
  requirePlain(head);
  const { offset, length } = contentRangeOf(head);
  if (offset !== 0 || length !== 1) throw malformed(`answers with ${length} bytes at byte ${offset} when the first one was asked for`);
  return length;
}

/** Ranges of a compressed form are of no use, and nobody asked for one. */
export function requirePlain({ fields }: ResponseHead): void {
  const coding = fields.get('content-encoding') ?? 'identity';
  if (coding.toLowerCase() !== 'identity') throw malformed(`sends the file in the coding ${toPrintable(coding)}, which nobody asked for`);
}

function locationOf(head: ResponseHead, target: HttpTarget): string {
  const location = head.fields.get('location');
  if (!REDIRECTS.has(head.status)) throw refusalOf(head, target);
  if (location === undefined) throw malformed('redirects to nowhere');
  return location;
}

function redirected(from: HttpTarget, location: string): HttpTarget {
  const base = from.origin + from.path;
  if (!URL.canParse(location, base)) throw refused(from, 'leads to what is no address');
  const url = new URL(location, base);
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw refused(from, `leads to ${toPrintable(url.protocol)}, and only to http: and https: is followed`);
  if (from.isSecure && url.protocol === 'http:') throw refused(from, 'leads from TLS to plain text');
  if (url.username !== '' || url.password !== '') throw refused(from, 'leads to an address with a user in it');
  return parseHttpTarget(url.href);
}

const refused = ({ shown }: HttpTarget, why: string): HyperError => new HyperError('http/redirect-refused', `${shown} ${why}.`);
