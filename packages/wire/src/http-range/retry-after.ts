// RFC 9110 §10.2.3 "Retry-After", §6.6.1 "Date".
import type { HyperError } from '@hypersdk/domain';
import type { ResponseHead } from './response-head.ts';

/** A server that wants more than this is asked again all the same: a copy must not sleep for as long as somebody else likes. */
const WAIT_MAX_MS = 60_000;

/** How long a busy server wants to be left alone, in milliseconds; undefined when it does not say so, or in no way that can be understood. */
export function retryAfterOf({ fields }: ResponseHead): number | undefined {
  const text = fields.get('retry-after') ?? '';
  if (/^[0-9]{1,10}$/.test(text)) return Math.min(WAIT_MAX_MS, Number(text) * 1000);
  // Its own clock, when it tells it, since ours may be another.
  const now = toTime(fields.get('date')) ?? Date.now();
  const then = toTime(text);
  return then === undefined ? undefined : Math.min(WAIT_MAX_MS, Math.max(0, then - now));
}

/** What a failure says of how long to wait. */
export function waitOf({ detail }: HyperError): number {
  const waitMs = detail['retryAfterMs'];
  return typeof waitMs === 'number' ? waitMs : 0;
}

/** RFC 9110 §5.6.7: the one form of date that is still sent. */
function toTime(text: string | undefined): number | undefined {
  if (text === undefined || !/^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/.test(text)) return undefined;
  const time = Date.parse(text);
  return Number.isNaN(time) ? undefined : time;
}
