import { HyperError } from '@hypersdk/domain';
import type { Channel } from './channel.ts';
import {
  BLOCK_SIZE_DEFAULT,
  parseBlockSize,
  parseSize,
  parseTransmissionFlags,
  requireWholeBlocks,
  type BlockSize,
  type NbdExport,
  type ReplyStyle,
} from './nbd-export.ts';
import type { NbdTls } from './nbd-tls.ts';
import { OptionExchange, type Answer, type Verdict } from './option-exchange.ts';
import {
  GREETING_MAGIC,
  HandshakeFlag,
  Information,
  OLD_STYLE_MAGIC,
  Option,
  OptionError,
  OptionReply,
  OPTION_MAGIC,
  STRING_SIZE_MAX,
} from './protocol.ts';
import { misbehaves, toPrintable } from './refusals.ts';

/** An export and what is to be known of it. */
export interface ExportWish {
  readonly name: string;
  /** Metadata contexts, such as `base:allocation`. Those that the server lacks are left out of its answer. */
  readonly contexts: readonly string[];
  readonly tls?: NbdTls;
}

/** An entry of a server's list. */
export interface ListedExport {
  readonly name: string;
  readonly description: string;
}

/** A server with more exports than this lists them for machines, not for people. */
const LISTED_MAX = 1000;
/** Answers about one export or its contexts: there are four kinds of one, and one for each context asked for. */
const ANSWERS_MAX = 32;

/** Greeting, TLS where it is wanted, then the export by name. What is left afterwards is a channel in the transmission phase. */
export async function negotiate(channel: Channel, wish: ExportWish, o: { readonly signal: AbortSignal }): Promise<NbdExport> {
  if (Buffer.byteLength(wish.name) > STRING_SIZE_MAX)
    throw new HyperError('usage/invalid', `Names of NBD exports have at most ${STRING_SIZE_MAX} bytes.`);
  const { exchange, padding } = await greet(channel, wish.tls, o);
  const replies = await agreeOnReplies(exchange);
  const contexts = replies === 'simple' || wish.contexts.length === 0 ? new Map<string, number>() : await chooseContexts(exchange, wish);
  const found = (await go(exchange, wish.name)) ?? (await nameExport(exchange, { name: wish.name, padding }));
  exchange.requireSilence();
  requireWholeBlocks(found.size, found.blockSize);
  return { ...found, contexts, replies };
}

/** Names and descriptions of what a server offers. */
export async function listExports(channel: Channel, tls: NbdTls | undefined, o: { readonly signal: AbortSignal }): Promise<readonly ListedExport[]> {
  const { exchange } = await greet(channel, tls, o);
  const exports: ListedExport[] = [];
  const verdict = await exchange.ask(Option.list, new Uint8Array(0), { answersMax: LISTED_MAX, take: (answer) => exports.push(parseListed(answer)) });
  if (!verdict.ok) throw refused(verdict, 'list its exports');
  return exports;
}

function parseListed({ type, payload }: Answer): ListedExport {
  const length = payload.length >= 4 ? payload.readUInt32BE(0) : Number.POSITIVE_INFINITY;
  if (type !== OptionReply.server || length > payload.length - 4 || length > STRING_SIZE_MAX) {
    throw misbehaves('nbd/malformed-option', 'lists an export in a way that nobody knows');
  }
  return { name: payload.toString('utf8', 4, 4 + length), description: toPrintable(payload.subarray(4 + length)) };
}

interface Greeted {
  readonly exchange: OptionExchange;
  /** Zeros behind the answer to the oldest option. */
  readonly padding: number;
}

/** "Option types", NBD_OPT_EXPORT_NAME: reserved zeros that both sides may agree to leave out. */
const PADDING = 124;

async function greet(channel: Channel, tls: NbdTls | undefined, o: { readonly signal: AbortSignal }): Promise<Greeted> {
  const exchange = new OptionExchange(channel);
  const greeting = await exchange.read(16);
  const style = greeting.readBigUInt64BE(8);
  if (greeting.readBigUInt64BE(0) !== GREETING_MAGIC) throw misbehaves('nbd/not-a-server', 'does not greet as one');
  if (style === OLD_STYLE_MAGIC) throw misbehaves('nbd/not-a-server', 'speaks the protocol of before 2011 only');
  if (style !== OPTION_MAGIC) throw misbehaves('nbd/not-a-server', 'greets in a style that nobody knows');
  const flags = (await exchange.read(2)).readUInt16BE(0);
  if ((flags & HandshakeFlag.fixedNewstyle) === 0)
    throw misbehaves('nbd/not-a-server', 'cannot refuse an option in words, which every server since 2011 can');
  const answer = Buffer.alloc(4);
  answer.writeUInt32BE(HandshakeFlag.fixedNewstyle + (flags & HandshakeFlag.noZeroes));
  exchange.write(answer);
  const padding = (flags & HandshakeFlag.noZeroes) === 0 ? PADDING : 0;
  if (!tls) return { exchange, padding };
  const verdict = await exchange.ask(Option.startTls, new Uint8Array(0));
  // A server that does not agree is never spoken to in plain text instead: somebody between could have answered.
  if (!verdict.ok) throw misbehaves('nbd/tls-failed', `does not agree to TLS${inWords(verdict)}`);
  exchange.requireSilence();
  await channel.startTls(tls, o);
  return { exchange: new OptionExchange(channel), padding };
}

async function agreeOnReplies(exchange: OptionExchange): Promise<ReplyStyle> {
  const extended = await exchange.ask(Option.extendedHeaders, new Uint8Array(0));
  if (extended.ok) return 'extended';
  if (extended.error === OptionError.tlsRequired) throw refused(extended, 'be read');
  const structured = await exchange.ask(Option.structuredReply, new Uint8Array(0));
  return structured.ok ? 'structured' : 'simple';
}

async function chooseContexts(exchange: OptionExchange, wish: ExportWish): Promise<ReadonlyMap<string, number>> {
  const contexts = new Map<string, number>();
  const take = ({ type, payload }: Answer): void => {
    if (type !== OptionReply.metaContext || payload.length < 5)
      throw misbehaves('nbd/malformed-option', 'names a metadata context in a way that nobody knows');
    const name = payload.toString('utf8', 4);
    if (!wish.contexts.includes(name))
      throw misbehaves(
        'nbd/malformed-option',
        `chooses the metadata context ${JSON.stringify(toPrintable(payload.subarray(4)))} that was not asked for`,
      );
    if (contexts.has(name) || [...contexts.values()].includes(payload.readUInt32BE(0)))
      throw misbehaves('nbd/malformed-option', 'names a metadata context twice');
    contexts.set(name, payload.readUInt32BE(0));
  };
  const queries = wish.contexts.flatMap((context) => string32(context));
  const payload = Buffer.concat([...string32(wish.name), uint32(wish.contexts.length), ...queries]);
  const verdict = await exchange.ask(Option.setMetaContext, payload, { answersMax: ANSWERS_MAX, take });
  // Whoever cannot say where data lies is read in full.
  return verdict.ok ? contexts : new Map<string, number>();
}

type Found = Omit<NbdExport, 'contexts' | 'replies'>;

/** Undefined: the server does not know the option, which is younger than fixed newstyle. */
async function go(exchange: OptionExchange, name: string): Promise<Found | undefined> {
  let about: Omit<Found, 'blockSize' | 'description'> | undefined;
  let blockSize: BlockSize = BLOCK_SIZE_DEFAULT;
  let description: string | undefined;
  const take = ({ type, payload }: Answer): void => {
    if (type !== OptionReply.info || payload.length < 2)
      throw misbehaves('nbd/malformed-option', `answers with type ${type} when it was asked for an export`);
    const kind = payload.readUInt16BE(0);
    const rest = payload.subarray(2);
    if (kind === Information.export) {
      requireLength(rest, { kind, length: 10 });
      about = { size: parseSize(rest.readBigUInt64BE(0)), ...parseTransmissionFlags(rest.readUInt16BE(8)) };
    } else if (kind === Information.blockSize) {
      requireLength(rest, { kind, length: 12 });
      blockSize = parseBlockSize(rest);
    } else if (kind === Information.description) {
      description = toPrintable(rest);
    }
  };
  const wanted = [Information.blockSize, Information.description];
  const payload = Buffer.concat([...string32(name), uint16(wanted.length), ...wanted.map(uint16)]);
  const verdict = await exchange.ask(Option.go, payload, { answersMax: ANSWERS_MAX, take });
  if (!verdict.ok) {
    if (verdict.error === OptionError.unsupported) return undefined;
    throw refused(verdict, `open the export ${JSON.stringify(name)}`);
  }
  if (!about) throw misbehaves('nbd/malformed-export', 'agrees to an export without describing it');
  return { ...about, blockSize, ...(description ? { description } : {}) };
}

/** The option of before: a server that refuses it hangs up. */
async function nameExport(exchange: OptionExchange, { name, padding }: { readonly name: string; readonly padding: number }): Promise<Found> {
  exchange.write(Buffer.concat([uint64(OPTION_MAGIC), uint32(Option.exportName), ...string32(name)]));
  const bytes = await exchange.read(10 + padding);
  return { size: parseSize(bytes.readBigUInt64BE(0)), ...parseTransmissionFlags(bytes.readUInt16BE(8)), blockSize: BLOCK_SIZE_DEFAULT };
}

function requireLength(bytes: Buffer, o: { readonly kind: number; readonly length: number }): void {
  if (bytes.length !== o.length)
    throw misbehaves('nbd/malformed-option', `gives information ${o.kind} in ${bytes.length} bytes instead of ${o.length}`);
}

type Refusal = Extract<Verdict, { readonly ok: false }>;

function refused(verdict: Refusal, doing: string): HyperError {
  const code = verdict.error === OptionError.unknownExport ? 'nbd/no-export' : 'nbd/refused';
  const why = verdict.error === OptionError.tlsRequired ? ': it wants TLS (nbds://)' : inWords(verdict);
  return misbehaves(code, `does not ${doing}${why}`, { error: verdict.error });
}

const inWords = ({ error, message }: Refusal): string => (message ? `: "${message}"` : ` (error ${error})`);

const uint16 = (value: number): Buffer => Buffer.from(Uint8Array.of(Math.floor(value / 256), value % 256));

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function uint64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(value);
  return bytes;
}

/** A string behind its length. */
function string32(text: string): readonly Buffer[] {
  const bytes = Buffer.from(text);
  return [uint32(bytes.length), bytes];
}
