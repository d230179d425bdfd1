import { malformed } from './refusals.ts';
import type { XdrReader } from './xdr-reader.ts';
import type { XdrWriter } from './xdr-writer.ts';

/** How a value lies in a message. */
export interface Shape<Value> {
  read(from: XdrReader): Value;
  write(to: XdrWriter, value: Value): void;
}

export type ValueOf<S> = S extends Shape<infer Value> ? Value : never;

/** What the remote protocol allows a string to be (REMOTE_STRING_MAX). */
const TEXT_MAX = 4 * 1024 * 1024;

export const int: Shape<number> = { read: (from) => from.int(), write: (to, value) => to.int(value) };
export const uint: Shape<number> = { read: (from) => from.uint(), write: (to, value) => to.uint(value) };
export const hyper: Shape<bigint> = { read: (from) => from.hyper(), write: (to, value) => to.hyper(value) };
export const unsignedHyper: Shape<bigint> = { read: (from) => from.unsignedHyper(), write: (to, value) => to.unsignedHyper(value) };
export const text: Shape<string> = { read: (from) => from.text(TEXT_MAX), write: (to, value) => to.text(value) };

const UUID_SIZE = 16;

/** Sixteen bytes, in the spelling of people. */
export const uuid: Shape<string> = {
  read: (from) =>
    Buffer.from(from.fixedBytes(UUID_SIZE))
      .toString('hex')
      .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5'),
  write: (to, value) => to.fixedBytes(Buffer.from(value.replaceAll('-', ''), 'hex')),
};

/** RFC 4506 §4.19. */
export const optional = <Value>(shape: Shape<Value>): Shape<Value | undefined> => ({
  read: (from) => {
    const isThere = from.uint();
    if (isThere > 1) throw malformed(`says ${isThere} where only "there" and "not there" make sense`);
    return isThere === 1 ? shape.read(from) : undefined;
  },
  write: (to, value) => {
    to.uint(value === undefined ? 0 : 1);
    if (value !== undefined) shape.write(to, value);
  },
});

/** §4.13. */
export const listOf = <Value>(shape: Shape<Value>, max: number): Shape<readonly Value[]> => ({
  read: (from) => Array.from({ length: from.count({ max, unit: 'items' }) }, () => shape.read(from)),
  write: (to, values) => {
    to.uint(values.length);
    for (const value of values) shape.write(to, value);
  },
});

/** The generator of the protocol's code sends a `char<>` as a list of numbers, each a byte: four bytes on the wire for one. */
export const charsAsInts = (max: number): Shape<Uint8Array> => ({
  read: (from) => Uint8Array.from({ length: from.count({ max, unit: 'items' }) }, () => from.int() & 0xff),
  write: (to, value) => {
    to.uint(value.length);
    for (const byte of value) to.int(byte);
  },
});

type Struct<F> = { readonly [Name in keyof F]: ValueOf<F[Name]> };

/** §4.14: the fields behind each other, in this order. */
export function struct<F extends Readonly<Record<string, Shape<unknown>>>>(fields: F): Shape<Struct<F>> {
  const entries = Object.entries(fields);
  return {
    read: (from) => Object.fromEntries(entries.map(([name, shape]) => [name, shape.read(from)])) as Struct<F>,
    write: (to, value) => {
      for (const [name, shape] of entries) shape.write(to, value[name]);
    },
  };
}
