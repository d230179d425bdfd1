import { answerOptions, ALLOCATION_CONTEXT_ID, type Agreed, type ServedExports } from './answer-options.ts';
import type { Channel } from './channel.ts';
import { encodeChunk, encodeError, encodeMap, encodeSimpleReply } from './encode-reply.ts';
import type { ServedRun } from './nbd-backend.ts';
import type { ServerSecrets } from './nbd-tls.ts';
import { AllocationFlag, Chunk, Command, CommandFlag, ErrorNumber, PAYLOAD_SIZE_DEFAULT } from './protocol.ts';
import { RequestIntake, type IncomingRequest } from './request-intake.ts';

/** Greeting, TLS and options together. */
const HANDSHAKE_MS = 20_000;
/** Read at a time: large enough to keep a medium busy, small enough that many clients fit into memory. */
const PIECE_SIZE = 1024 * 1024;
/** Requests of one connection that are worked on at once, and the bytes that they, and those that wait, may hold each. */
const AT_WORK_MAX = 16;
const HELD_MAX = 64 * 1024 * 1024;
/** Beyond so many waiting requests the client is not listened to. */
const WAITING_MAX = 128;
/** Of a map in one answer: 64 KiB on the wire, after which a client simply asks on. */
const RUNS_MAX = 8192;

/** Talks to one client until it leaves. Never throws: a client that breaks the rules is hung up on. */
export async function serveConnection(
  channel: Channel,
  o: { readonly exports: ServedExports; readonly secrets: ServerSecrets | undefined; readonly signal: AbortSignal },
): Promise<void> {
  const stop = (): void => channel.fail(new Error('The server ends.'));
  o.signal.addEventListener('abort', stop, { once: true });
  // Cleared once the client has decided: timers of clients that came and went would otherwise be held for as long as the slowest may take.
  const deadline = new AbortController();
  const timer = setTimeout(() => {
    channel.fail(new Error('The client took too long.'));
    deadline.abort();
  }, HANDSHAKE_MS);
  try {
    const agreed = await answerOptions(channel, { ...o, signal: AbortSignal.any([o.signal, deadline.signal]) });
    clearTimeout(timer);
    if (!agreed) return channel.end();
    await new ServedConnection(channel, agreed).ended;
  } catch {
    // What went wrong was the client's doing or its end; there is nobody left to tell.
    channel.fail(new Error('The client broke the rules.'));
  } finally {
    clearTimeout(timer);
    o.signal.removeEventListener('abort', stop);
  }
}

/** Works on the requests of one client, several at once, and answers in the order in which they are done. */
class ServedConnection {
  readonly #channel: Channel;
  readonly #agreed: Agreed;
  readonly #waiting: IncomingRequest[] = [];
  #atWork = 0;
  #heldAtWork = 0;
  #heldWaiting = 0;
  #isLeaving = false;

  constructor(channel: Channel, agreed: Agreed) {
    this.#channel = channel;
    this.#agreed = agreed;
    channel.intake = new RequestIntake(agreed.replies, { take: (request) => this.#take(request), left: () => (this.#waiting.length = 0) });
  }

  get ended(): Promise<void> {
    return this.#channel.ended;
  }

  #take(request: IncomingRequest): void {
    if (request.command === Command.disconnect) this.#isLeaving = true;
    else {
      this.#waiting.push(request);
      this.#heldWaiting += request.payload?.length ?? 0;
    }
    if (this.#isBehind) this.#channel.pause();
    this.#next();
  }

  #next(): void {
    while (this.#atWork < AT_WORK_MAX) {
      const request = this.#waiting[0];
      if (!request || (this.#atWork > 0 && this.#heldAtWork + this.#heldBy(request) > HELD_MAX)) break;
      this.#waiting.shift();
      this.#heldWaiting -= request.payload?.length ?? 0;
      this.#atWork += 1;
      this.#heldAtWork += this.#heldBy(request);
      void this.#work(request);
    }
    if (!this.#isBehind) this.#channel.resume();
    // "NBD_CMD_DISC": what is under way is finished first.
    if (this.#isLeaving && this.#atWork === 0) this.#channel.end();
  }

  get #isBehind(): boolean {
    return this.#waiting.length > WAITING_MAX || this.#heldWaiting > HELD_MAX;
  }

  /** Memory that a request takes while it is worked on. */
  #heldBy({ command, length, payload }: IncomingRequest): number {
    if (command !== Command.read) return payload?.length ?? 0;
    return this.#agreed.replies === 'simple' ? length : Math.min(length, PIECE_SIZE);
  }

  async #work(request: IncomingRequest): Promise<void> {
    try {
      const fault = this.#faultOf(request);
      if (fault) this.#refuse(request, fault);
      else await this.#answer(request);
    } catch (error) {
      this.#refuse(request, { errorNumber: ErrorNumber.EIO, message: error instanceof Error ? error.message : String(error) });
    }
    await this.#channel.drained();
    this.#atWork -= 1;
    this.#heldAtWork -= this.#heldBy(request);
    this.#next();
  }

  #refuse(request: IncomingRequest, fault: Fault): void {
    this.#channel.write(encodeError({ cookie: request.cookie, offset: request.askedOffset }, { replies: this.#agreed.replies, ...fault }));
  }

  /** What no backend is asked to judge. */
  #faultOf({ command, flags, offset, length }: IncomingRequest): Fault | undefined {
    const { backend, hasAllocation, replies } = this.#agreed;
    const invalid = (message: string): Fault => ({ errorNumber: ErrorNumber.EINVAL, message });
    if (!KNOWN_COMMANDS.has(command)) return invalid('this command is not known here');
    if (command === Command.flush) return undefined;
    if (WRITING_COMMANDS.has(command) && !backend.writing) return { errorNumber: ErrorNumber.EPERM, message: 'this export is read-only' };
    if (length === 0) return invalid('a request of no bytes');
    if (offset + length > backend.size) {
      const isFull = command === Command.write || command === Command.writeZeroes;
      return { errorNumber: isFull ? ErrorNumber.ENOSPC : ErrorNumber.EINVAL, message: 'the request reaches past the end of the disk' };
    }
    if (command === Command.read && length > PAYLOAD_SIZE_DEFAULT)
      return { errorNumber: ErrorNumber.EOVERFLOW, message: 'more than this server reads at once' };
    if (command === Command.read && (flags & CommandFlag.df) !== 0 && length > PIECE_SIZE && replies !== 'simple') {
      return { errorNumber: ErrorNumber.EOVERFLOW, message: 'more than this server reads in one piece' };
    }
    if (command === Command.writeZeroes && (flags & CommandFlag.fastZero) !== 0)
      return { errorNumber: ErrorNumber.ENOTSUP, message: 'zeros are not faster than other bytes here' };
    if (command === Command.blockStatus && !hasAllocation) return invalid('no metadata context was chosen');
    return undefined;
  }

  async #answer(request: IncomingRequest): Promise<void> {
    const { backend, replies } = this.#agreed;
    const { command, offset, length } = request;
    if (command === Command.read) return replies === 'simple' ? this.#readWhole(request) : this.#readPieces(request);
    if (command === Command.blockStatus) return this.#map(request);
    if (command === Command.write && request.payload) await backend.writing?.write(offset, request.payload);
    // Whoever trims need not find zeros afterwards, but may.
    if (command === Command.writeZeroes || command === Command.trim) {
      await backend.writing?.zero({ offset, length }, { mayPunch: command === Command.trim || (request.flags & CommandFlag.noHole) === 0 });
    }
    if (command === Command.flush || (request.flags & CommandFlag.fua) !== 0) await backend.writing?.flush();
    this.#channel.write(
      replies === 'simple' ? encodeSimpleReply(request, 0) : encodeChunk(request, { replies, type: Chunk.none, length: 0, isLast: true }),
    );
  }

  /** A simple reply says that all went well before the first byte, so all of it is read first. */
  async #readWhole(request: IncomingRequest): Promise<void> {
    const bytes = await this.#agreed.backend.read(request.offset, request.length);
    this.#channel.write(encodeSimpleReply(request, 0));
    this.#channel.write(bytes);
  }

  async #readPieces(request: IncomingRequest): Promise<void> {
    const { backend, replies } = this.#agreed;
    const end = request.offset + request.length;
    for (let at = request.offset; at < end; at += PIECE_SIZE) {
      const bytes = await backend.read(at, Math.min(PIECE_SIZE, end - at));
      const head = encodeChunk(request, { replies, type: Chunk.offsetData, length: 8 + bytes.length, isLast: at + bytes.length === end });
      const place = Buffer.alloc(8);
      place.writeBigUInt64BE(BigInt(at));
      this.#channel.write(head);
      this.#channel.write(place);
      this.#channel.write(bytes);
      await this.#channel.drained();
    }
  }

  async #map(request: IncomingRequest): Promise<void> {
    const { backend, replies } = this.#agreed;
    const countMax = (request.flags & CommandFlag.reqOne) === 0 ? RUNS_MAX : 1;
    const runs = joined(await backend.runs(request, countMax));
    const isExtended = replies === 'extended';
    const payload = encodeMap(ALLOCATION_CONTEXT_ID, runs, isExtended);
    const type = isExtended ? Chunk.blockStatusExtended : Chunk.blockStatus;
    this.#channel.write(encodeChunk(request, { replies, type, length: payload.length, isLast: true }));
    this.#channel.write(payload);
  }
}

interface Fault {
  readonly errorNumber: number;
  readonly message: string;
}

const KNOWN_COMMANDS = new Set<number>([Command.read, Command.write, Command.flush, Command.trim, Command.writeZeroes, Command.blockStatus]);
const WRITING_COMMANDS = new Set<number>([Command.write, Command.trim, Command.writeZeroes]);

const FLAGS = { data: 0, zero: AllocationFlag.zero, hole: AllocationFlag.hole + AllocationFlag.zero } as const;

/** Neighbours of one kind as one run. */
function joined(runs: readonly ServedRun[]): { length: number; readonly flags: number }[] {
  const all: { length: number; readonly flags: number }[] = [];
  for (const { length, kind } of runs) {
    const last = all.at(-1);
    if (last?.flags === FLAGS[kind]) last.length += length;
    else all.push({ length, flags: FLAGS[kind] });
  }
  return all;
}
