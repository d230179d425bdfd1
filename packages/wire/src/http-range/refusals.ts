import { HyperError, type ErrorCode } from '@hypersdk/domain';

type HttpCode = ErrorCode & `http/${string}`;

/** A server that does not keep to the protocol, or went away. `why` completes "The web server …". */
export const webServer = (code: HttpCode, why: string, detail: Readonly<Record<string, unknown>> = {}): HyperError =>
  new HyperError(code, `The web server ${why}.`, { detail });

export const malformed = (why: string): HyperError => webServer('http/malformed-reply', why);

/** Text of a server for people: cut short, without what a terminal would obey. */
export const toPrintable = (text: string): string => JSON.stringify(text.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, 80));
