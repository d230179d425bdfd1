import { Channel } from '../../packages/wire/src/nbd/channel.ts';
import { encodeOptionReply, encodeSimpleReply } from '../../packages/wire/src/nbd/encode-reply.ts';
import { ack, at, blockSizeInfo, chunk, contextReply, exportInfo, greeting, part, words } from '../../packages/wire/src/nbd/hostile-servers.ts';
import { listExports, negotiate } from '../../packages/wire/src/nbd/negotiate.ts';
import { ALLOCATION_CONTEXT, Chunk, EXTENDED_REPLY_MAGIC, Option, OptionError, OptionReply } from '../../packages/wire/src/nbd/protocol.ts';
import { ReplyIntake } from '../../packages/wire/src/nbd/reply-intake.ts';
import { ChangeRequest, MapRequest, ReadRequest, type ContextMap } from '../../packages/wire/src/nbd/request.ts';
import type { FuzzReader } from '../engine/fuzz-reader.ts';
import { sampleOf, type Sample } from '../engine/sample.ts';
import { TapeSocket } from './tape-socket.ts';

const { signal } = new AbortController();
const READ = { offset: 4096, length: 1024 } as const;
const RUNS_MAX = 5000;

/** A server that lies to our NBD client: the greeting, the options, then answers to two reads, a map and a change. */
export const nbdClientReader: FuzzReader = { changes: 'bytes', seeds, execute: (sample) => converse(sample) };

/** The same answers for whoever only asks what a server has. */
export const nbdListReader: FuzzReader = {
  changes: 'bytes',
  seeds: () => {
    const entry = (name: string): Buffer =>
      encodeOptionReply(Option.list, OptionReply.server, Buffer.concat([words(name.length), Buffer.from(`${name} described`)]));
    return [
      tape(greeting(), Buffer.concat([entry('disk'), entry('other'), ack(Option.list)])),
      tape(greeting(), encodeOptionReply(Option.list, OptionError.policy)),
    ];
  },
  execute: async (sample) => {
    const socket = new TapeSocket();
    const listed = listExports(Channel.adopt(socket), undefined, { signal });
    await Promise.all([listed, play(socket, sample)]);
  },
};

async function converse(sample: Sample): Promise<void> {
  const socket = new TapeSocket();
  const channel = Channel.adopt(socket);
  const work = transmit(channel);
  await Promise.all([work, play(socket, sample)]);
}

async function play(socket: TapeSocket, { files }: Sample): Promise<void> {
  for (const file of files) await socket.say(file.toBytes());
  socket.hangUp();
}

async function transmit(channel: Channel): Promise<void> {
  const found = await negotiate(channel, { name: 'disk', contexts: [ALLOCATION_CONTEXT] }, { signal });
  const replies = new ReplyIntake(found.replies);
  channel.intake = replies;
  const requests = [READ, { offset: 0, length: 512 }].map(({ offset, length }) => {
    const into = new Uint8Array(length);
    return new ReadRequest({ offset, length }, () => into);
  });
  const map = new MapRequest({ offset: 0, length: 1 << 20 }, found.contexts);
  const isMapped = found.contexts.size > 0;
  const pending = [...requests, ...(isMapped ? [map] : []), new ChangeRequest(0)].map((request) => {
    replies.expect(request);
    return request.settled;
  });
  const settled = await Promise.allSettled(pending);
  for (const one of settled) if (one.status === 'rejected') throw one.reason;
  if (isMapped) for (const runs of (await map.settled).values()) count(runs);
}

function count(runs: ContextMap): void {
  let at = 0;
  let seen = 0;
  for (const run of runs) {
    if (run.offset !== at || run.length <= 0) throw new Error(`A run lies at ${run.offset} instead of ${at}.`);
    at += run.length;
    seen += 1;
    if (seen > RUNS_MAX) return;
  }
}

const tape = (...pieces: readonly Uint8Array[]): Sample => sampleOf(Object.fromEntries(pieces.map((piece, index) => [`piece ${index}`, piece])));

function seeds(): readonly Sample[] {
  const noExtended = encodeOptionReply(Option.extendedHeaders, OptionError.unsupported);
  const structured = [
    greeting(),
    noExtended,
    ack(Option.structuredReply),
    Buffer.concat([contextReply(7, ALLOCATION_CONTEXT), ack(Option.setMetaContext)]),
  ];
  const agreed = Buffer.concat([exportInfo(), blockSizeInfo(1, 4096, 1 << 25), ack(Option.go)]);
  const extended = (cookie: bigint, type: number, payload: Buffer): Buffer => {
    const head = Buffer.alloc(32);
    head.writeUInt32BE(EXTENDED_REPLY_MAGIC, 0);
    head.writeUInt16BE(1, 4);
    head.writeUInt16BE(type, 6);
    head.writeBigUInt64BE(cookie, 8);
    head.writeBigUInt64BE(BigInt(payload.length), 24);
    return Buffer.concat([head, payload]);
  };
  const simple = (cookie: bigint, errorNumber = 0): Buffer => encodeSimpleReply({ cookie, offset: 0 }, errorNumber);
  const content = Buffer.alloc(READ.length, 1);
  const long = Buffer.alloc(40);
  long.writeUInt32BE(7, 0);
  long.writeUInt32BE(2, 4);
  long.writeBigUInt64BE(4096n, 8);
  long.writeBigUInt64BE(1n << 33n, 24);
  return [
    tape(
      ...structured,
      agreed,
      chunk(1n, Chunk.offsetData, at(READ.offset, content)),
      Buffer.concat([part(2n, Chunk.offsetData, at(0, content.subarray(0, 100))), chunk(2n, Chunk.offsetHole, Buffer.concat([at(100), words(412)]))]),
      Buffer.concat([chunk(3n, Chunk.blockStatus, words(7, 4096, 0, 8192, 3)), chunk(4n, Chunk.none, Buffer.alloc(0))]),
    ),
    tape(...structured, agreed, chunk(1n, 0x8001, Buffer.concat([words(5), Buffer.from([0, 3]), Buffer.from('bad')])), simple(2n, 5)),
    tape(
      greeting(),
      ack(Option.extendedHeaders),
      Buffer.concat([contextReply(7, ALLOCATION_CONTEXT), ack(Option.setMetaContext)]),
      agreed,
      extended(1n, Chunk.offsetData, at(READ.offset, content)),
      extended(2n, Chunk.offsetHole, Buffer.concat([at(0), words(512)])),
      Buffer.concat([extended(3n, Chunk.blockStatusExtended, long), extended(4n, Chunk.none, Buffer.alloc(0))]),
    ),
    tape(
      greeting(),
      noExtended,
      encodeOptionReply(Option.structuredReply, OptionError.unsupported),
      agreed,
      Buffer.concat([simple(1n), content]),
      Buffer.concat([simple(2n), content.subarray(0, 512), simple(3n)]),
    ),
    tape(
      greeting(),
      noExtended,
      encodeOptionReply(Option.structuredReply, OptionError.unsupported),
      encodeOptionReply(Option.go, OptionError.unsupported),
      Buffer.concat([words(0, 1 << 20), Buffer.from([1, 3])]),
    ),
  ];
}
