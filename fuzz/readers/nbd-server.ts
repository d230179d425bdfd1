import { HyperError } from '@hypersdk/domain';
import { answerOptions } from '../../packages/wire/src/nbd/answer-options.ts';
import { Channel } from '../../packages/wire/src/nbd/channel.ts';
import type { NbdBackend } from '../../packages/wire/src/nbd/nbd-backend.ts';
import { ALLOCATION_CONTEXT, Command, EXTENDED_REQUEST_MAGIC, Option, OPTION_MAGIC, REQUEST_MAGIC } from '../../packages/wire/src/nbd/protocol.ts';
import { serveConnection } from '../../packages/wire/src/nbd/served-connection.ts';
import type { FuzzReader } from '../engine/fuzz-reader.ts';
import { sampleOf, type Sample } from '../engine/sample.ts';
import { TapeSocket } from './tape-socket.ts';

const SIZE = 1 << 20;
const { signal } = new AbortController();
/** No client gets more than this for what fits into a sample. */
const WRITTEN_MAX = 256 * 1024 * 1024;

/** A client that lies to our NBD server. What the server thinks of it stays inside, so options are answered once by themselves, where defects come out. */
export const nbdServerReader: FuzzReader = {
  changes: 'bytes',
  seeds,
  execute: async (sample) => {
    const backend = new WatchedBackend();
    const exports = new Map([['disk', backend]]);
    const first = new TapeSocket();
    const answered = answerOptions(Channel.adopt(first), { exports, secrets: undefined, signal }).catch(refusalOnly);
    await Promise.all([answered, play(first, sample)]);
    if (!(await answered)) throw new HyperError('nbd/refused', 'The client was let go.');
    const socket = new TapeSocket();
    const channel = Channel.adopt(socket);
    await Promise.all([serveConnection(channel, { exports, secrets: undefined, signal }), play(socket, sample)]);
    if (isDefect(channel.failure)) throw new Error('The server broke.', { cause: channel.failure });
    if (backend.fault) throw backend.fault;
    if (socket.written > WRITTEN_MAX) throw new Error(`The server answered with ${socket.written} bytes.`);
  },
};

async function play(socket: TapeSocket, { files }: Sample): Promise<void> {
  for (const file of files) await socket.say(file.toBytes());
  for (let turn = 0; turn < 2; turn += 1) await new Promise<void>((resolve) => setImmediate(resolve));
  socket.hangUp();
}

const isDefect = (error: unknown): boolean => error instanceof TypeError || error instanceof RangeError || error instanceof ReferenceError;

function refusalOnly(error: unknown): undefined {
  if (isDefect(error)) throw error;
}

/** A disk of zeros that takes note when it is asked for what it cannot have been asked for. */
class WatchedBackend implements NbdBackend {
  readonly size = SIZE;
  readonly description = 'A disk';
  readonly preferredBlockSize = 4096;
  fault: Error | undefined;

  async read(offset: number, length: number): Promise<Uint8Array> {
    this.#check(offset, length);
    return ZEROS.subarray(0, length);
  }

  async runs(range: { readonly offset: number; readonly length: number }): ReturnType<NbdBackend['runs']> {
    this.#check(range.offset, range.length);
    const half = Math.ceil(range.length / 2);
    return [
      { offset: range.offset, length: half, kind: 'data' },
      { offset: range.offset + half, length: Math.max(1, range.length - half), kind: 'hole' },
    ];
  }

  readonly writing: NonNullable<NbdBackend['writing']> = {
    write: async (offset, bytes) => this.#check(offset, bytes.length),
    zero: async ({ offset, length }) => this.#check(offset, length),
    flush: async () => undefined,
  };

  #check(offset: number, length: number): void {
    const isInside = Number.isSafeInteger(offset) && Number.isSafeInteger(length) && offset >= 0 && length > 0 && offset + length <= SIZE;
    if (!isInside) this.fault ??= new Error(`The backend is asked for ${length} bytes at ${offset}.`);
  }
}

const ZEROS = new Uint8Array(SIZE);

const tape = (...pieces: readonly Uint8Array[]): Sample => sampleOf(Object.fromEntries(pieces.map((piece, index) => [`piece ${index}`, piece])));

function option(type: number, payload: Uint8Array = new Uint8Array(0)): Buffer {
  const head = Buffer.alloc(16);
  head.writeBigUInt64BE(OPTION_MAGIC, 0);
  head.writeUInt32BE(type, 8);
  head.writeUInt32BE(payload.length, 12);
  return Buffer.concat([head, payload]);
}

interface Asked {
  readonly command: number;
  readonly cookie: number;
  readonly offset?: number;
  readonly length?: number;
  readonly flags?: number;
  readonly isExtended?: boolean;
}

function request({ command, cookie, offset = 0, length = 512, flags = 0, isExtended = false }: Asked): Buffer {
  const bytes = Buffer.alloc(isExtended ? 32 : 28);
  bytes.writeUInt32BE(isExtended ? EXTENDED_REQUEST_MAGIC : REQUEST_MAGIC, 0);
  bytes.writeUInt16BE(flags, 4);
  bytes.writeUInt16BE(command, 6);
  bytes.writeBigUInt64BE(BigInt(cookie), 8);
  bytes.writeBigUInt64BE(BigInt(offset), 16);
  if (isExtended) bytes.writeBigUInt64BE(BigInt(length), 24);
  else bytes.writeUInt32BE(length, 24);
  return bytes;
}

function seeds(): readonly Sample[] {
  const flags = Buffer.from([0, 0, 0, 3]);
  const name = Buffer.concat([Buffer.from([0, 0, 0, 4]), Buffer.from('disk')]);
  const context = Buffer.concat([Buffer.from([0, 0, 0, ALLOCATION_CONTEXT.length]), Buffer.from(ALLOCATION_CONTEXT)]);
  const choose = option(Option.setMetaContext, Buffer.concat([name, Buffer.from([0, 0, 0, 1]), context]));
  const go = option(Option.go, Buffer.concat([name, Buffer.from([0, 2, 0, 1, 0, 2])]));
  const commands = (isExtended: boolean): readonly Buffer[] => [
    request({ command: Command.read, cookie: 1, isExtended }),
    request({ command: Command.blockStatus, cookie: 2, length: SIZE, isExtended }),
    Buffer.concat([request({ command: Command.write, cookie: 3, flags: 1, isExtended }), Buffer.alloc(512, 1)]),
    request({ command: Command.writeZeroes, cookie: 4, offset: 4096, length: 4096, isExtended }),
    request({ command: Command.trim, cookie: 5, length: SIZE, isExtended }),
    request({ command: Command.flush, cookie: 6, length: 0, isExtended }),
    request({ command: Command.disconnect, cookie: 7, length: 0, isExtended }),
  ];
  return [
    tape(flags, option(Option.structuredReply), choose, go, ...commands(false)),
    tape(flags, option(Option.extendedHeaders), choose, go, ...commands(true)),
    tape(
      flags,
      option(Option.list),
      option(Option.listMetaContext, Buffer.concat([name, Buffer.alloc(4)])),
      option(Option.info, Buffer.concat([name, Buffer.from([0, 1, 0, 3])])),
      option(Option.abort),
    ),
    tape(flags, option(Option.exportName, Buffer.from('disk')), ...commands(false)),
    tape(flags, option(Option.startTls), go),
  ];
}
