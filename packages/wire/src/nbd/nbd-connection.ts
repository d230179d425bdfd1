import { HyperError, type ByteRange } from '@hypersdk/domain';
import { Channel } from './channel.ts';
import { isLoopback, placeOf, type NbdAddress } from './nbd-address.ts';
import type { NbdExport } from './nbd-export.ts';
import { listExports as listOn, negotiate, type ExportWish, type ListedExport } from './negotiate.ts';
import { Command, CommandFlag, EXTENDED_REQUEST_MAGIC, REQUEST_MAGIC } from './protocol.ts';
import { misbehaves, unreachable } from './refusals.ts';
import { ReplyIntake } from './reply-intake.ts';
import { ChangeRequest, MapRequest, ReadRequest, type ContextMap } from './request.ts';

/** Greeting, TLS and options together: whoever takes longer is not there. */
const HANDSHAKE_MS = 20_000;
/** With requests under way, nothing moved for so long: the server or the line is gone. */
const SILENCE_MS = 30_000;

export interface ConnectWish extends ExportWish {
  readonly address: NbdAddress;
  /** Whether a server on another machine may be read without TLS. */
  readonly allowsPlaintext: boolean;
  /** `HANDSHAKE_MS` and `SILENCE_MS` when absent. */
  readonly silenceMs?: number;
}

/** A connection to one export. Requests run at once, in any number; when the connection ends, all of them fail. */
export class NbdConnection implements Disposable {
  readonly export: NbdExport;
  readonly #channel: Channel;
  readonly #replies: ReplyIntake;

  private constructor(channel: Channel, found: NbdExport, silenceMs: number) {
    this.export = found;
    this.#channel = channel;
    this.#replies = new ReplyIntake(found.replies);
    channel.intake = this.#replies;
    channel.onSilence(silenceMs, () => {
      if (this.#replies.inFlight > 0) channel.fail(misbehaves('nbd/timeout', `was silent for ${silenceMs / 1000} s`));
    });
  }

  static async open(wish: ConnectWish, o: { readonly signal: AbortSignal }): Promise<NbdConnection> {
    return withChannel(wish, o.signal, async (channel, signal) => {
      const found = await negotiate(channel, wish, { signal });
      return new NbdConnection(channel, found, wish.silenceMs ?? SILENCE_MS);
    });
  }

  /** Why it is over; undefined while it works. */
  get failure(): Error | undefined {
    return this.#channel.failure;
  }

  get inFlight(): number {
    return this.#replies.inFlight;
  }

  /**
   * Fills what `room` answers, memory as long as the range, whose ends the block size allows. It is asked for when the answer begins to come, and may be
   * asked for again. Until the promise settles, the bytes may be written at any time.
   */
  read(range: ByteRange, room: () => Uint8Array): Promise<void> {
    const request = new ReadRequest(range, room);
    this.#send(Command.read, { cookie: this.#replies.expect(request), ...range });
    return request.settled;
  }

  /** What the chosen contexts say of the range, from its start as far as the server tells at once. */
  map(range: ByteRange): Promise<ReadonlyMap<string, ContextMap>> {
    const request = new MapRequest(range, this.export.contexts);
    this.#send(Command.blockStatus, { cookie: this.#replies.expect(request), ...range });
    return request.settled;
  }

  /** Sends the bytes, which stay as they are until it settles. Where the block size allows. */
  write(offset: number, bytes: Uint8Array): Promise<void> {
    const request = new ChangeRequest(offset);
    this.#send(Command.write, { cookie: this.#replies.expect(request), offset, length: bytes.length });
    this.#channel.write(bytes);
    return request.settled;
  }

  /** The range reads as zeros afterwards. Only where the export `canZero`. */
  zero({ offset, length }: { readonly offset: number; readonly length: number }): Promise<void> {
    const request = new ChangeRequest(offset);
    this.#send(Command.writeZeroes, { cookie: this.#replies.expect(request), offset, length });
    return request.settled;
  }

  /** All that was settled before is on the medium afterwards. Only where the export `canFlush`. */
  flush(): Promise<void> {
    const request = new ChangeRequest(0);
    this.#send(Command.flush, { cookie: this.#replies.expect(request), offset: 0, length: 0 });
    return request.settled;
  }

  #send(command: number, o: { readonly cookie: number; readonly offset: number; readonly length: number }): void {
    const isExtended = this.export.replies === 'extended';
    // "Extended headers": with them every write says that its length is that of its payload.
    const flags = isExtended && command === Command.write ? CommandFlag.payloadLength : 0;
    this.#channel.write(encodeRequest(command, { ...o, flags, isExtended }));
  }

  /** Ends at once; requests under way fail. */
  fail(error: Error): void {
    this.#channel.fail(error);
  }

  [Symbol.dispose](): void {
    if (this.inFlight > 0) this.fail(misbehaves('nbd/lost', 'was left in the middle of a request'));
    else
      this.#channel.end(
        encodeRequest(Command.disconnect, { cookie: 0, offset: 0, length: 0, flags: 0, isExtended: this.export.replies === 'extended' }),
      );
  }
}

/** What a server offers, asked over a connection of its own. */
export async function listExports(
  wish: Omit<ConnectWish, 'name' | 'contexts'>,
  o: { readonly signal: AbortSignal },
): Promise<readonly ListedExport[]> {
  return withChannel(wish, o.signal, async (channel, signal) => {
    const listed = await listOn(channel, wish.tls, { signal });
    channel.end();
    return listed;
  });
}

async function withChannel<Result>(
  wish: Pick<ConnectWish, 'address' | 'tls' | 'allowsPlaintext'>,
  stop: AbortSignal,
  work: (channel: Channel, signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const deadline = AbortSignal.timeout(HANDSHAKE_MS);
  const signal = AbortSignal.any([stop, deadline]);
  let channel: Channel | undefined;
  const late = (): HyperError =>
    channel
      ? misbehaves('nbd/timeout', `at ${placeOf(wish.address)} did not open its export within ${HANDSHAKE_MS / 1000} s`)
      : unreachable(wish.address, `nothing answers within ${HANDSHAKE_MS / 1000} s (the machine is off, or something between drops what is sent)`);
  const give = (): void => channel?.fail(stop.aborted && stop.reason instanceof Error ? stop.reason : late());
  signal.addEventListener('abort', give, { once: true });
  try {
    channel = await Channel.connect(wish.address, { signal, isSecure: wish.tls !== undefined });
    requirePrivacy(channel, wish);
    return await work(channel, signal);
  } catch (error) {
    channel?.fail(error instanceof Error ? error : new Error(String(error)));
    stop.throwIfAborted();
    throw deadline.aborted ? late() : error;
  } finally {
    signal.removeEventListener('abort', give);
  }
}

/** Judged by the address that was in fact connected to: a name may lead anywhere. */
function requirePrivacy({ remoteAddress }: Channel, wish: Pick<ConnectWish, 'tls' | 'allowsPlaintext'>): void {
  if (wish.tls || wish.allowsPlaintext || remoteAddress === undefined || isLoopback(remoteAddress)) return;
  throw new HyperError(
    'nbd/plaintext-refused',
    `The NBD server at ${remoteAddress} is on another machine, and without TLS anybody between could read and change the disk.`,
    {
      detail: { remoteAddress },
    },
  );
}

function encodeRequest(
  command: number,
  o: { readonly cookie: number; readonly offset: number; readonly length: number; readonly flags: number; readonly isExtended: boolean },
): Buffer {
  const bytes = Buffer.alloc(o.isExtended ? 32 : 28);
  bytes.writeUInt32BE(o.isExtended ? EXTENDED_REQUEST_MAGIC : REQUEST_MAGIC, 0);
  bytes.writeUInt16BE(o.flags, 4);
  bytes.writeUInt16BE(command, 6);
  writeUint64(bytes, o.cookie, 8);
  writeUint64(bytes, o.offset, 16);
  if (o.isExtended) writeUint64(bytes, o.length, 24);
  else bytes.writeUInt32BE(o.length, 24);
  return bytes;
}

function writeUint64(bytes: Buffer, value: number, at: number): void {
  bytes.writeUInt32BE(Math.floor(value / 2 ** 32), at);
  bytes.writeUInt32BE(value % 2 ** 32, at + 4);
}
