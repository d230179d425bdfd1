const HEAD_MAX = 256 * 1024;
const TAIL_MAX = 768 * 1024;
const GAP = new TextEncoder().encode('\n[…]\n');

/** What a guest wrote, in bounded memory: of very much, the first and the last. */
export class SerialLog {
  #head = Buffer.alloc(0);
  #tail: Buffer[] = [];
  #tailLength = 0;
  #total = 0;

  append(chunk: Uint8Array): void {
    this.#total += chunk.length;
    const room = HEAD_MAX - this.#head.length;
    if (room > 0) this.#head = Buffer.concat([this.#head, chunk.subarray(0, room)]);
    if (chunk.length <= room) return;
    const rest = Buffer.from(chunk.subarray(room));
    this.#tail.push(rest);
    this.#tailLength += rest.length;
    if (this.#tailLength > 2 * TAIL_MAX) this.#trim();
  }

  bytes(): Uint8Array {
    this.#trim();
    const lacks = this.#total > this.#head.length + this.#tailLength;
    return new Uint8Array(Buffer.concat([this.#head, ...(lacks ? [GAP] : []), ...this.#tail]));
  }

  #trim(): void {
    if (this.#tailLength === 0) return;
    const whole = Buffer.concat(this.#tail);
    const kept = Buffer.from(whole.subarray(Math.max(0, whole.length - TAIL_MAX)));
    this.#tail = [kept];
    this.#tailLength = kept.length;
  }
}
