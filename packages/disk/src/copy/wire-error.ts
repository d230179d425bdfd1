import { errorTable, HyperError, type ErrorCode } from '@hypersdk/domain';

/** An error as it crosses between threads: classes do not survive structured cloning. */
export interface WireError {
  readonly code: string;
  readonly message: string;
  readonly detail: Readonly<Record<string, unknown>>;
}

export function toWireError(cause: unknown): WireError {
  if (cause instanceof HyperError) return { code: cause.code, message: cause.message, detail: plain(cause.detail) };
  const message = cause instanceof Error ? cause.message : String(cause);
  const stack = cause instanceof Error ? cause.stack : undefined;
  return { code: 'internal/unexpected', message: `Something unforeseen happened: ${message}.`, detail: { stack } };
}

export const fromWireError = (wire: WireError): HyperError =>
  new HyperError(isErrorCode(wire.code) ? wire.code : 'internal/unexpected', wire.message, { detail: wire.detail });

const isErrorCode = (code: string): code is ErrorCode => Object.hasOwn(errorTable, code);

/** Only plain values may cross; anything else is left behind as text. */
function plain(detail: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(detail).map(([key, value]) => [key, isPlain(value) ? value : String(value)]));
}

const isPlain = (value: unknown): boolean => value === undefined || ['string', 'number', 'boolean'].includes(typeof value);
