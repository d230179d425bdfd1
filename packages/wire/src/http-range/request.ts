import type { ByteRange } from '@hypersdk/domain';
import type { HeaderFields, HttpTarget } from './http-target.ts';
import type { Validator } from './validator.ts';

/** A request for a range, only of the content that `validator` names. */
export function toRequest(
  { target, fields, validator }: { readonly target: HttpTarget; readonly fields: HeaderFields; readonly validator?: Validator },
  { offset, length }: ByteRange,
): string {
  const { hostField, path } = target;
  return [
    `GET ${path} HTTP/1.1`,
    `Host: ${hostField}`,
    'User-Agent: hypersdk',
    'Accept-Encoding: identity',
    `Range: bytes=${offset}-${offset + length - 1}`,
    ...(validator ? [`${validator.condition}: ${validator.value}`] : []),
    ...fields.map(([name, value]) => `${name}: ${value}`),
    '\r\n',
  ].join('\r\n');
}
