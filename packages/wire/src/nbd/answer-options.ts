import type { Channel } from './channel.ts';
import { encodeOptionReply } from './encode-reply.ts';
import { StepIntake } from './intake.ts';
import type { NbdBackend } from './nbd-backend.ts';
import type { ReplyStyle } from './nbd-export.ts';
import type { ServerSecrets } from './nbd-tls.ts';
import {
  ALLOCATION_CONTEXT,
  GREETING_MAGIC,
  HandshakeFlag,
  Information,
  Option,
  OPTION_MAGIC,
  OptionError,
  OptionReply,
  PAYLOAD_SIZE_DEFAULT,
  STRING_SIZE_MAX,
  TransmissionFlag,
} from './protocol.ts';

/** Exports by their names; the empty name is the default. */
export type ServedExports = ReadonlyMap<string, NbdBackend>;

/** What was agreed on. */
export interface Agreed {
  readonly backend: NbdBackend;
  readonly replies: ReplyStyle;
  readonly hasAllocation: boolean;
}

/** The only context there is; clients know it by this number. */
export const ALLOCATION_CONTEXT_ID = 1;

/** An honest client sends a handful; one that never decides is let go. */
const OPTIONS_MAX = 256;
/** A name, and as many queries for contexts as anybody has. */
const PAYLOAD_MAX = 16 * 1024;

interface Haggling {
  readonly channel: Channel;
  readonly exports: ServedExports;
  readonly secrets: ServerSecrets | undefined;
  readonly signal: AbortSignal;
  steps: StepIntake;
  replies: ReplyStyle;
  /** The export that the context was chosen for. */
  allocationFor: string | undefined;
  noZeroes: boolean;
}

/** The server's side of the newstyle handshake, up to the export that the client wants; undefined when it left. */
export async function answerOptions(
  channel: Channel,
  o: { readonly exports: ServedExports; readonly secrets: ServerSecrets | undefined; readonly signal: AbortSignal },
): Promise<Agreed | undefined> {
  const steps = new StepIntake();
  const talk: Haggling = { ...o, channel, steps, replies: 'simple', allocationFor: undefined, noZeroes: false };
  channel.intake = steps;
  const greeting = Buffer.alloc(18);
  greeting.writeBigUInt64BE(GREETING_MAGIC, 0);
  greeting.writeBigUInt64BE(OPTION_MAGIC, 8);
  greeting.writeUInt16BE(HandshakeFlag.fixedNewstyle + HandshakeFlag.noZeroes, 16);
  channel.write(greeting);
  const flags = (await steps.read(4)).readUInt32BE(0);
  // "Newstyle negotiation": unknown flags of a client are the end.
  if (flags > HandshakeFlag.fixedNewstyle + HandshakeFlag.noZeroes) return undefined;
  talk.noZeroes = Math.floor(flags / HandshakeFlag.noZeroes) % 2 === 1;
  for (let count = 0; count < OPTIONS_MAX; count += 1) {
    const header = await talk.steps.read(16);
    const [option, length] = [header.readUInt32BE(8), header.readUInt32BE(12)];
    if (header.readBigUInt64BE(0) !== OPTION_MAGIC || length > PAYLOAD_MAX) return undefined;
    const payload = length === 0 ? Buffer.alloc(0) : await talk.steps.read(length);
    const agreed = await answer(talk, option, payload);
    if (agreed === 'left') return undefined;
    if (agreed) return agreed;
  }
  return undefined;
}

async function answer(talk: Haggling, option: number, payload: Buffer): Promise<Agreed | 'left' | undefined> {
  const reply = (type: number, bytes?: Uint8Array): void => void talk.channel.write(encodeOptionReply(option, type, bytes));
  const refuse = (error: number, why: string): undefined => void reply(error, Buffer.from(why));
  if (option === Option.abort) {
    reply(OptionReply.ack);
    return 'left';
  }
  if (option === Option.startTls) return startTls(talk, { reply, refuse, isEmpty: payload.length === 0 });
  if (talk.secrets && !talk.channel.isSecure) return option === Option.exportName ? 'left' : refuse(OptionError.tlsRequired, 'this server wants TLS');
  switch (option) {
    case Option.exportName:
      return nameExport(talk, payload.toString('utf8'));
    case Option.list:
      for (const [name, { description }] of talk.exports) reply(OptionReply.server, Buffer.concat([string32(name), Buffer.from(description)]));
      return void reply(OptionReply.ack);
    case Option.structuredReply:
    case Option.extendedHeaders:
      if (payload.length > 0) return refuse(OptionError.invalid, 'this option has no data');
      if (talk.replies !== 'extended') talk.replies = option === Option.extendedHeaders ? 'extended' : 'structured';
      return void reply(OptionReply.ack);
    case Option.listMetaContext:
    case Option.setMetaContext:
      return chooseContext(talk, option, { payload, reply, refuse });
    case Option.info:
    case Option.go:
      return describeExport(talk, option, { payload, reply, refuse });
    default:
      return refuse(OptionError.unsupported, 'this option is not known here');
  }
}

interface Answering {
  reply(type: number, bytes?: Uint8Array): void;
  refuse(error: number, why: string): undefined;
}

async function startTls(talk: Haggling, o: Answering & { readonly isEmpty: boolean }): Promise<'left' | undefined> {
  if (!talk.secrets) return o.refuse(OptionError.policy, 'this server has no certificates');
  if (talk.channel.isSecure || !o.isEmpty) return o.refuse(OptionError.invalid, 'TLS is on already');
  // Commands that were slipped in before TLS must not count as said under it.
  if (talk.steps.heldSize > 0) return 'left';
  o.reply(OptionReply.ack);
  await talk.channel.acceptTls(talk.secrets, talk);
  talk.steps = new StepIntake();
  talk.channel.intake = talk.steps;
  talk.replies = 'simple';
  talk.allocationFor = undefined;
  return undefined;
}

function nameExport(talk: Haggling, name: string): Agreed | 'left' {
  const backend = talk.exports.get(name);
  if (!backend) return 'left';
  const bytes = Buffer.alloc(talk.noZeroes ? 10 : 134);
  describe(backend).copy(bytes);
  talk.channel.write(bytes);
  return agree(talk, name, backend);
}

function agree(talk: Haggling, name: string, backend: NbdBackend): Agreed {
  return { backend, replies: talk.replies, hasAllocation: talk.allocationFor === name };
}

function describe(backend: NbdBackend): Buffer {
  const { hasFlags, readOnly, sendFlush, sendFua, sendTrim, sendWriteZeroes, sendDf, canMultiConn } = TransmissionFlag;
  const bytes = Buffer.alloc(10);
  bytes.writeBigUInt64BE(BigInt(backend.size), 0);
  bytes.writeUInt16BE(hasFlags + sendDf + canMultiConn + sendFlush + (backend.writing ? sendFua + sendTrim + sendWriteZeroes : readOnly), 8);
  return bytes;
}

function describeExport(talk: Haggling, option: number, o: Answering & { readonly payload: Buffer }): Agreed | undefined {
  const fields = new Fields(o.payload);
  const name = fields.string();
  const wanted = fields.numbers16();
  if (name === undefined || wanted === undefined || !fields.isAtEnd) return o.refuse(OptionError.invalid, 'the data of this option cannot be read');
  const backend = talk.exports.get(name);
  if (!backend) return o.refuse(OptionError.unknownExport, 'there is no export of this name');
  o.reply(OptionReply.info, Buffer.concat([uint16(Information.export), describe(backend)]));
  o.reply(
    OptionReply.info,
    Buffer.concat([uint16(Information.blockSize), uint32(1), uint32(backend.preferredBlockSize), uint32(PAYLOAD_SIZE_DEFAULT)]),
  );
  if (wanted.includes(Information.name)) o.reply(OptionReply.info, Buffer.concat([uint16(Information.name), Buffer.from(name)]));
  if (wanted.includes(Information.description))
    o.reply(OptionReply.info, Buffer.concat([uint16(Information.description), Buffer.from(backend.description)]));
  o.reply(OptionReply.ack);
  return option === Option.go ? agree(talk, name, backend) : undefined;
}

function chooseContext(talk: Haggling, option: number, o: Answering & { readonly payload: Buffer }): undefined {
  const fields = new Fields(o.payload);
  const name = fields.string();
  const queries = fields.strings();
  if (name === undefined || queries === undefined || !fields.isAtEnd) return o.refuse(OptionError.invalid, 'the data of this option cannot be read');
  if (talk.replies === 'simple') return o.refuse(OptionError.invalid, 'structured replies come first');
  if (!talk.exports.has(name)) return o.refuse(OptionError.unknownExport, 'there is no export of this name');
  const isList = option === Option.listMetaContext;
  // "NBD_OPT_LIST_META_CONTEXT": no query lists all, and `base:` stands for every context of its kind.
  const isFound = queries.includes(ALLOCATION_CONTEXT) || (isList && (queries.length === 0 || queries.includes('base:')));
  if (isFound) o.reply(OptionReply.metaContext, Buffer.concat([uint32(isList ? 0 : ALLOCATION_CONTEXT_ID), Buffer.from(ALLOCATION_CONTEXT)]));
  if (!isList) talk.allocationFor = isFound ? name : undefined;
  return void o.reply(OptionReply.ack);
}

/** Takes the data of an option to pieces; undefined where it is too short for what it announces. */
class Fields {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  string(): string | undefined {
    const length = this.#number(4);
    if (length === undefined || length > STRING_SIZE_MAX || this.#at + length > this.#bytes.length) return undefined;
    this.#at += length;
    return this.#bytes.toString('utf8', this.#at - length, this.#at);
  }

  numbers16(): readonly number[] | undefined {
    const count = this.#number(2) ?? Number.POSITIVE_INFINITY;
    if (this.#at + 2 * count > this.#bytes.length) return undefined;
    return Array.from({ length: count }, () => this.#number(2) ?? 0);
  }

  strings(): readonly string[] | undefined {
    const count = this.#number(4) ?? Number.POSITIVE_INFINITY;
    if (this.#at + 4 * count > this.#bytes.length) return undefined;
    const strings: string[] = [];
    for (let index = 0; index < count; index += 1) {
      const text = this.string();
      if (text === undefined) return undefined;
      strings.push(text);
    }
    return strings;
  }

  #number(size: 2 | 4): number | undefined {
    if (this.#at + size > this.#bytes.length) return undefined;
    this.#at += size;
    return this.#bytes.readUIntBE(this.#at - size, size);
  }
}

const uint16 = (value: number): Buffer => Buffer.from(Uint8Array.of(Math.floor(value / 256), value % 256));

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function string32(text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([uint32(bytes.length), bytes]);
}
