// RFC 4506, "XDR: External Data Representation Standard".
const SIZE_AT_FIRST = 256;

/** Puts values behind each other into a message. */
export class XdrWriter {
  #bytes = Buffer.alloc(SIZE_AT_FIRST);
  #size = 0;

  /** What was written so far; the writer may be thrown away then. */
  get written(): Buffer {
    return this.#bytes.subarray(0, this.#size);
  }

  int(value: number): void {
    const at = this.#grow(4);
    this.#bytes.writeInt32BE(value, at);
  }

  uint(value: number): void {
    const at = this.#grow(4);
    this.#bytes.writeUInt32BE(value, at);
  }

  hyper(value: bigint): void {
    const at = this.#grow(8);
    this.#bytes.writeBigInt64BE(value, at);
  }

  unsignedHyper(value: bigint): void {
    const at = this.#grow(8);
    this.#bytes.writeBigUInt64BE(value, at);
  }

  double(value: number): void {
    const at = this.#grow(8);
    this.#bytes.writeDoubleBE(value, at);
  }

  /** Padded with zeros to a whole unit. */
  fixedBytes(value: Uint8Array): void {
    const at = this.#grow(Math.ceil(value.length / 4) * 4);
    this.#bytes.set(value, at);
  }

  bytes(value: Uint8Array): void {
    this.uint(value.length);
    this.fixedBytes(value);
  }

  text(value: string): void {
    this.bytes(Buffer.from(value, 'utf8'));
  }

  /** Answers the place of so many new bytes, which are zero. */
  #grow(size: number): number {
    const at = this.#size;
    this.#size += size;
    if (this.#size > this.#bytes.length) {
      const larger = Buffer.alloc(Math.max(this.#bytes.length * 2, this.#size));
      larger.set(this.#bytes.subarray(0, at));
      this.#bytes = larger;
    }
    return at;
  }
}
