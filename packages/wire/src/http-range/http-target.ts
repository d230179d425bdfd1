import { HyperError } from '@hypersdk/domain';

/** Where a file lies on the web. */
export interface HttpTarget {
  readonly isSecure: boolean;
  /** Without the brackets of IPv6. */
  readonly host: string;
  readonly port: number;
  /** Value of the `Host` field. */
  readonly hostField: string;
  /** Path and query, as the request line has them. */
  readonly path: string;
  readonly origin: string;
  /** For people, marks and receipts: neither user nor password, and no query, since queries carry signatures. */
  readonly shown: string;
  /** Value of the `Authorization` field that the user information of the address asks for. */
  readonly authorization?: string;
}

/** Fields that go with every request to the first origin, such as `Authorization`. */
export type HeaderFields = readonly (readonly [name: string, value: string])[];

/** Longer addresses are refused by most servers anyway. */
const URL_LENGTH_MAX = 8192;
const PORTS = { 'http:': 80, 'https:': 443 } as const;

export function parseHttpTarget(text: string): HttpTarget {
  if (text.length > URL_LENGTH_MAX || !URL.canParse(text)) throw wrong('it is no URL');
  const url = new URL(text);
  const { protocol, username, password } = url;
  if (protocol !== 'http:' && protocol !== 'https:') throw wrong('only http:// and https:// are read');
  const host = url.hostname.replace(/^\[|\]$/g, '');
  return {
    isSecure: protocol === 'https:',
    host,
    port: url.port === '' ? PORTS[protocol] : Number(url.port),
    hostField: url.host,
    path: url.pathname + url.search,
    origin: url.origin,
    shown: url.origin + url.pathname,
    ...(username === '' && password === '' ? {} : { authorization: toBasic(username, password) }),
  };
}

/** RFC 7617 §2: user and password in UTF-8, a colon between them. */
const toBasic = (user: string, password: string): string => `Basic ${Buffer.from(`${decoded(user)}:${decoded(password)}`).toString('base64')}`;

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw wrong('a percent sign in its user or password stands for nothing');
  }
}

/** The address itself stays out of the message: there may be a password in it. */
const wrong = (why: string): HyperError => new HyperError('usage/invalid', `This is no address of a file on the web: ${why}`);
