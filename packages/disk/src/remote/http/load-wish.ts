import type { HttpLocator } from '@hypersdk/ports';
import { HyperError } from '@hypersdk/domain';
import type { HeaderFields, HttpWish } from '@hypersdk/wire';
import { readText } from '../load-tls.ts';

/** What frames a request or chooses the answer is ours to say. */
const OURS = new Set([
  'host',
  'range',
  'if-range',
  'if-match',
  'if-unmodified-since',
  'connection',
  'content-length',
  'transfer-encoding',
  'accept-encoding',
]);
const FIELDS_MAX = 32;

/** Reads what a locator only names. */
export async function loadWish({ url, authorityFile, headerFile }: Pick<HttpLocator, 'url' | 'authorityFile' | 'headerFile'>): Promise<HttpWish> {
  return {
    url,
    fields: headerFile === undefined ? [] : parseHeaderFile(await readText(headerFile), headerFile),
    ...(authorityFile === undefined ? {} : { authority: await readText(authorityFile) }),
  };
}

/** Lines of `Name: value`, as `curl -H @FILE` takes them. The values stay out of every message. */
function parseHeaderFile(text: string, file: string): HeaderFields {
  const lines = text.split(/\r?\n/).filter((line) => line !== '');
  if (lines.length > FIELDS_MAX) throw new HyperError('usage/invalid', `${file} has ${lines.length} header fields, more than ${FIELDS_MAX}`);
  return lines.map((line, index) => {
    const field = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\x20-\x7e\x80-\xff]*)$/.exec(line);
    if (!field) throw new HyperError('usage/invalid', `Line ${index + 1} of ${file} is no header field; each line is NAME: VALUE`);
    const [, name = '', value = ''] = field;
    if (OURS.has(name.toLowerCase())) throw new HyperError('usage/invalid', `${file} sets the header field ${name}, which is not for it to set`);
    return [name, value];
  });
}
