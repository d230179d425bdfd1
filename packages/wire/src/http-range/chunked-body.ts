// RFC 9112 §7.1 "Chunked Transfer Coding".
import type { BodyPlace } from './body-place.ts';
import { malformed, toPrintable } from './refusals.ts';

/** Size, extensions and trailers are short in practice; a line without end must not fill memory. */
const LINE_LENGTH_MAX = 1024;
const TRAILERS_MAX = 32;
/** 16 TiB in one chunk are enough. */
const SIZE_DIGITS_MAX = 11;

type State = 'size' | 'content' | 'after-content' | 'trailers' | 'end';

/** Takes chunks apart and puts their content where it belongs. */
export class ChunkedBody {
  readonly #place: BodyPlace;
  #state: State = 'size';
  #line = '';
  #left = 0;
  #trailers = 0;
  #done = 0;

  constructor(place: BodyPlace) {
    this.#place = place;
  }

  get isAtEnd(): boolean {
    return this.#state === 'end';
  }

  /** Bytes of content so far. */
  get done(): number {
    return this.#done;
  }

  /** Answers how many of the bytes belong to this body. */
  take(bytes: Uint8Array): number {
    let at = 0;
    while (at < bytes.length && this.#state !== 'end') {
      if (this.#state === 'content') at += this.#copy(bytes.subarray(at));
      else at += this.#takeOfLine(bytes.subarray(at));
    }
    return at;
  }

  #copy(bytes: Uint8Array): number {
    if (this.#done === this.#place.length) throw malformed('sends a longer body than it said');
    const room = this.#place.room();
    const piece = bytes.subarray(0, Math.min(this.#left, room.length));
    room.set(piece);
    this.#place.filled(piece.length);
    this.#done += piece.length;
    this.#left -= piece.length;
    if (this.#left === 0) this.#state = 'after-content';
    return piece.length;
  }

  #takeOfLine(bytes: Uint8Array): number {
    const end = bytes.indexOf(0x0a);
    const count = end < 0 ? bytes.length : end + 1;
    if (this.#line.length + count > LINE_LENGTH_MAX) throw malformed('sends a line without end between its chunks');
    this.#line += Buffer.from(bytes.subarray(0, count)).toString('latin1');
    if (end < 0) return count;
    if (!this.#line.endsWith('\r\n')) throw malformed('ends a line between its chunks wrongly');
    const line = this.#line.slice(0, -2);
    this.#line = '';
    this.#takeLine(line);
    return count;
  }

  #takeLine(line: string): void {
    if (this.#state === 'after-content') {
      if (line !== '') throw malformed('sends a chunk that is longer than it said');
      this.#state = 'size';
      return;
    }
    if (this.#state === 'trailers') {
      this.#trailers += 1;
      if (this.#trailers > TRAILERS_MAX) throw malformed('sends header fields without end behind its body');
      if (line === '') this.#state = 'end';
      return;
    }
    const size = /^([0-9a-f]+)(?:[ \t]*;[^\r\n\0]*)?$/i.exec(line)?.[1];
    if (size === undefined || size.length > SIZE_DIGITS_MAX) throw malformed(`sends a chunk whose size is none: ${toPrintable(line)}`);
    this.#left = Number.parseInt(size, 16);
    this.#state = this.#left === 0 ? 'trailers' : 'content';
  }
}
