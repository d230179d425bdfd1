// RFC 9110 §8.8 "Validator Fields", §13.1 "Preconditions".
import { webServer } from './refusals.ts';
import type { ResponseHead } from './response-head.ts';

/** What names the content of a file, and the condition under which its ranges are asked for. */
export interface Validator {
  readonly condition: 'If-Match' | 'If-Unmodified-Since';
  readonly value: string;
  /** As they came. */
  readonly etag?: string;
  readonly lastModified?: string;
}

/** A strong entity tag says that not one byte differs; a time does so to the second, and its own clock has to be believed. */
export function validatorOf({ fields }: ResponseHead): Validator {
  const etag = fields.get('etag');
  const lastModified = fields.get('last-modified');
  const seen = { ...(etag === undefined ? {} : { etag }), ...(lastModified === undefined ? {} : { lastModified }) };
  if (etag !== undefined && /^"[\x21\x23-\x7e]{0,512}"$/.test(etag)) return { condition: 'If-Match', value: etag, ...seen };
  if (lastModified !== undefined && /^[A-Za-z0-9 :,+-]{1,64}$/.test(lastModified) && !Number.isNaN(Date.parse(lastModified))) {
    return { condition: 'If-Unmodified-Since', value: lastModified, ...seen };
  }
  throw webServer('http/no-validator', 'gives the file neither a strong ETag nor a time of last change, so that nobody would notice a change');
}

/** Whether an answer is of the same content. What it leaves out, it does not deny; but what the condition rests on has to be said again. */
export function isSame(held: Validator, { fields }: ResponseHead): boolean {
  const etag = fields.get('etag');
  const lastModified = fields.get('last-modified');
  if (held.condition === 'If-Match') return etag === held.etag;
  // RFC 9110 §15.3.7: a part may come without the time when the tag is there; a weak tag that differs is a change too.
  return lastModified === held.lastModified && (etag ?? held.etag) === held.etag;
}
