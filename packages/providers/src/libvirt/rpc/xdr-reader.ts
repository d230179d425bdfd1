// RFC 4506, "XDR: External Data Representation Standard": big-endian, everything in units of four bytes.
import { malformed } from './refusals.ts';

const decoder = new TextDecoder();

/** Takes values off the front of a message. Every length is held against what is there before anything is made of it. */
export class XdrReader {
  readonly #view: DataView;
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  int(): number {
    return this.#view.getInt32(this.#take(4));
  }

  uint(): number {
    return this.#view.getUint32(this.#take(4));
  }

  hyper(): bigint {
    return this.#view.getBigInt64(this.#take(8));
  }

  unsignedHyper(): bigint {
    return this.#view.getBigUint64(this.#take(8));
  }

  double(): number {
    return this.#view.getFloat64(this.#take(8));
  }

  /** §4.9: bytes whose number is known, padded to a whole unit. The answer is a view into the message. */
  fixedBytes(size: number): Uint8Array {
    const padded = Math.ceil(size / 4) * 4;
    const at = this.#take(padded);
    return this.#bytes.subarray(at, at + size);
  }

  /** §4.10. */
  bytes(max: number): Uint8Array {
    return this.fixedBytes(this.count({ max, unit: 'bytes' }));
  }

  /** §4.11. libvirt's strings are UTF-8; a byte that is not becomes the replacement character. */
  text(max: number): string {
    return decoder.decode(this.bytes(max));
  }

  /** The number of things that follow. However small they are, what is left has to have room for them: four bytes each, or one for bytes. */
  count({ max, unit }: { readonly max: number; readonly unit: 'bytes' | 'items' }): number {
    const count = this.uint();
    if (count > max) throw malformed(`announces ${count} ${unit} where at most ${max} are allowed`);
    if (count * (unit === 'bytes' ? 1 : 4) > this.left) throw malformed(`announces ${count} ${unit} in a message that is over before`);
    return count;
  }

  #take(size: number): number {
    if (size > this.left) throw malformed('sent a message that is cut short');
    const at = this.#at;
    this.#at += size;
    return at;
  }
}
