import type { Channel } from './channel.ts';
import { StepIntake } from './intake.ts';
import { OPTION_ERROR, OPTION_MAGIC, OPTION_REPLY_MAGIC, OptionReply } from './protocol.ts';
import { misbehaves, toPrintable } from './refusals.ts';

export interface Answer {
  readonly type: number;
  readonly payload: Buffer;
}

/** How an option ended: taken, or refused with a number and the server's own words. */
export type Verdict = { readonly ok: true } | { readonly ok: false; readonly error: number; readonly message: string };

const REPLY_HEADER_SIZE = 20;
/** A list entry is a name and a description of at most 4096 bytes each; nothing else is longer. */
const PAYLOAD_MAX = 4 + 2 * 4096;

/** Haggling over options, from the client's side ("Newstyle negotiation"). One option at a time: the next goes out when the last was answered. */
export class OptionExchange {
  readonly #channel: Channel;
  readonly #steps = new StepIntake();

  constructor(channel: Channel) {
    this.#channel = channel;
    channel.intake = this.#steps;
  }

  read(size: number): Promise<Buffer> {
    return this.#steps.read(size);
  }

  write(bytes: Uint8Array): void {
    this.#channel.write(bytes);
  }

  /** Sends an option. Each answer but the last goes to `take`; more of them than `answersMax` are refused. */
  async ask(
    option: number,
    payload: Uint8Array,
    o: { readonly answersMax: number; take?(answer: Answer): void } = { answersMax: 0 },
  ): Promise<Verdict> {
    this.#channel.write(encodeOption(option, payload));
    for (let count = 0; count <= o.answersMax; count += 1) {
      const answer = await this.#answer(option);
      if (answer.type === OptionReply.ack) {
        if (answer.payload.length > 0)
          throw misbehaves('nbd/malformed-option', `agrees to option ${option} with ${answer.payload.length} bytes nobody knows`);
        return { ok: true };
      }
      if (answer.type >= OPTION_ERROR) return { ok: false, error: answer.type, message: toPrintable(answer.payload) };
      o.take?.(answer);
    }
    throw misbehaves('nbd/option-flood', `gives more than ${o.answersMax} answers to option ${option}`);
  }

  /** Nothing may be left over when the talk changes its kind. */
  requireSilence(): void {
    if (this.#steps.heldSize > 0) throw misbehaves('nbd/unsolicited', `sends ${this.#steps.heldSize} bytes that it was not asked for`);
  }

  async #answer(option: number): Promise<Answer> {
    const header = await this.#steps.read(REPLY_HEADER_SIZE);
    if (header.readBigUInt64BE(0) !== OPTION_REPLY_MAGIC)
      throw misbehaves('nbd/malformed-option', 'answers an option without the magic number of answers');
    if (header.readUInt32BE(8) !== option) {
      throw misbehaves('nbd/malformed-option', `answers option ${header.readUInt32BE(8)} when it was asked for ${option}`);
    }
    const length = header.readUInt32BE(16);
    if (length > PAYLOAD_MAX) throw misbehaves('nbd/option-flood', `announces an answer of ${length} bytes to option ${option}`);
    return { type: header.readUInt32BE(12), payload: length === 0 ? Buffer.alloc(0) : await this.#steps.read(length) };
  }
}

function encodeOption(option: number, payload: Uint8Array): Buffer {
  const bytes = Buffer.alloc(16 + payload.length);
  bytes.writeBigUInt64BE(OPTION_MAGIC, 0);
  bytes.writeUInt32BE(option, 8);
  bytes.writeUInt32BE(payload.length, 12);
  bytes.set(payload, 16);
  return bytes;
}
