import { toByteCount } from '../file/safe-number.ts';
import { damaged } from './damaged.ts';
import { isZero } from '../stream/is-zero.ts';

/** Bytes of a named structure. Every access is checked, so that a field which lies outside is a damaged structure and nothing worse. */
export class Fields {
  readonly what: string;
  readonly bytes: Buffer;

  constructor(bytes: Buffer, what: string) {
    this.bytes = bytes;
    this.what = what;
  }

  get length(): number {
    return this.bytes.length;
  }

  u8(at: number): number {
    return this.#at(at, 1).readUInt8(at);
  }

  i8(at: number): number {
    return this.#at(at, 1).readInt8(at);
  }

  u16(at: number): number {
    return this.#at(at, 2).readUInt16LE(at);
  }

  u32(at: number): number {
    return this.#at(at, 4).readUInt32LE(at);
  }

  /** A 64-bit count or offset, which must be exact as a number. */
  u64(at: number): number {
    return this.#exact(this.bigU64(at));
  }

  bigU64(at: number): bigint {
    return this.#at(at, 8).readBigUInt64LE(at);
  }

  u16be(at: number): number {
    return this.#at(at, 2).readUInt16BE(at);
  }

  u32be(at: number): number {
    return this.#at(at, 4).readUInt32BE(at);
  }

  u64be(at: number): number {
    return this.#exact(this.bigU64be(at));
  }

  bigU64be(at: number): bigint {
    return this.#at(at, 8).readBigUInt64BE(at);
  }

  /** Whether these very bytes stand at a place; outside they do not. */
  has(at: number, latin1: string): boolean {
    return this.bytes.toString('latin1', at, at + latin1.length) === latin1;
  }

  /** Text of a fixed field, up to its first NUL, without spaces around it. */
  text(at: number, length: number, encoding: 'utf8' | 'latin1' = 'utf8'): string {
    const piece = this.#at(at, length).subarray(at, at + length);
    const end = piece.indexOf(0);
    return piece.toString(encoding, 0, end === -1 ? length : end).trim();
  }

  utf16(at: number, length: number): string {
    return this.#at(at, length)
      .toString('utf16le', at, at + length)
      .replace(/\0.*$/su, '');
  }

  part(at: number, length: number): Fields {
    return new Fields(this.#at(at, length).subarray(at, at + length), this.what);
  }

  /** Sixteen bytes in order, as Linux writes a UUID. */
  uuid(at: number): string {
    return dashed(this.#at(at, 16).toString('hex', at, at + 16), [8, 4, 4, 4, 12]);
  }

  /** Whether every byte is zero. */
  isZero(): boolean {
    return isZero(this.bytes);
  }

  #at(at: number, length: number): Buffer {
    if (!(at >= 0 && at + length <= this.bytes.length)) throw damaged(`the ${this.what} is cut short or points outside itself`);
    return this.bytes;
  }

  #exact(field: bigint): number {
    const count = toByteCount(field);
    if (count === undefined) throw damaged(`the ${this.what} holds a number that no disk reaches`);
    return count;
  }
}

/** Cuts text into pieces of the lengths given, with dashes between. */
export function dashed(text: string, lengths: readonly number[]): string {
  let at = 0;
  return lengths.map((length) => text.slice(at, (at += length))).join('-');
}
