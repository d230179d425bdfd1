import { HyperError } from '@hypersdk/domain';
import type { HttpTarget } from './http-target.ts';
import { webServer } from './refusals.ts';
import type { ResponseHead } from './response-head.ts';
import { retryAfterOf } from './retry-after.ts';

/** What a status other than success means for a file that is to be read. */
export function refusalOf(head: ResponseHead, target: HttpTarget): HyperError {
  const { status, fields } = head;
  const { shown } = target;
  if (status === 200) return webServer('http/no-ranges', `sends ${shown} only as a whole, not in ranges`);
  if (status === 404 || status === 410) return new HyperError('source/not-found', `There is no ${shown}: the web server answers ${status}.`);
  if (status === 401 || status === 403 || status === 407) {
    return new HyperError('source/forbidden', `The web server does not let us read ${shown}: it answers ${status}.`);
  }
  if (status === 412) return changed(target, 'another file lies there now');
  if (status === 416) {
    if (fields.get('content-range') === 'bytes */0') return new HyperError('image/malformed', `${shown} is empty.`);
    return changed(target, 'it has become shorter');
  }
  if (!isPassing(status)) return webServer('http/refused', `answers ${status} for ${shown}`, { status });
  const retryAfterMs = retryAfterOf(head);
  return webServer('http/busy', `answers ${status} for ${shown}`, { status, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) });
}

/** The same request may succeed later (RFC 9110 §15.6, RFC 6585 §4). */
const isPassing = (status: number): boolean => status === 408 || status === 425 || status === 429 || status >= 500;

export const changed = ({ shown }: HttpTarget, why: string): HyperError =>
  new HyperError('source/changed', `${shown} has changed since it was looked at: ${why}.`);
