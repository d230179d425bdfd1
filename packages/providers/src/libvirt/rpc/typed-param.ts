import { malformed } from './refusals.ts';
import { listOf, type Shape, text } from './shapes.ts';
import type { XdrReader } from './xdr-reader.ts';
import type { XdrWriter } from './xdr-writer.ts';

/** A named figure or text, of which newer servers send more than older ones. */
export interface TypedParam {
  readonly field: string;
  readonly value: number | bigint | boolean | string;
}

/** libvirt, `virTypedParameterType`. */
const readers: Readonly<Record<number, (from: XdrReader) => TypedParam['value']>> = {
  1: (from) => from.int(),
  2: (from) => from.uint(),
  3: (from) => from.hyper(),
  4: (from) => from.unsignedHyper(),
  5: (from) => from.double(),
  6: (from) => from.int() !== 0,
  7: (from) => text.read(from),
};

const typedParam: Shape<TypedParam> = {
  read: (from) => {
    const field = text.read(from);
    const type = from.uint();
    const read = readers[type];
    if (!read) throw malformed(`names the parameter type ${type}, which there is not`);
    return { field, value: read(from) };
  },
  write: (to, { field, value }) => {
    to.text(field);
    write(to, value);
  },
};

function write(to: XdrWriter, value: TypedParam['value']): void {
  if (typeof value === 'string') {
    to.uint(7);
    return to.text(value);
  }
  if (typeof value === 'boolean') {
    to.uint(6);
    return to.int(value ? 1 : 0);
  }
  if (typeof value === 'bigint') {
    to.uint(4);
    return to.unsignedHyper(value);
  }
  to.uint(5);
  return to.double(value);
}

export const typedParams = (max: number): Shape<readonly TypedParam[]> => listOf(typedParam, max);
