import { describe, expect, test } from 'vitest';
import { encodeOptionReply, encodeSimpleReply } from './encode-reply.ts';
import {
  ack,
  at,
  blockSizeInfo,
  chunk,
  contextReply,
  exportInfo,
  greeting,
  isMap,
  isRead,
  openLiar,
  part,
  rawChunk,
  SIZE,
  words,
  type Lie,
} from './hostile-servers.ts';
import { NbdConnection, listExports } from './nbd-connection.ts';
import { ALLOCATION_CONTEXT, Chunk, OLD_STYLE_MAGIC, Option, OptionError, OptionReply } from './protocol.ts';

const READ_SIZE = 64 * 1024;
const noise = Buffer.alloc(READ_SIZE, 1);

const greetings: readonly Lie[] = [
  { lie: 'greets as a web server', code: 'nbd/not-a-server', greeting: Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n') },
  { lie: 'greets in the old style', code: 'nbd/not-a-server', greeting: greeting({ style: OLD_STYLE_MAGIC }) },
  { lie: 'greets in a style of its own', code: 'nbd/not-a-server', greeting: greeting({ style: 1n }) },
  { lie: 'cannot refuse options', code: 'nbd/not-a-server', greeting: greeting({ flags: 0 }) },
  { lie: 'hangs up in the greeting', code: 'nbd/lost', onOption: () => 'hang up' },
];

const on =
  (wanted: number, answer: Buffer | 'hang up' | 'say nothing'): NonNullable<Lie['onOption']> =>
  (option) =>
    option === wanted ? answer : undefined;
const info = (payload: Buffer): Buffer => encodeOptionReply(Option.go, OptionReply.info, payload);
const wrongMagic = Buffer.concat([Buffer.alloc(8, 9), ack(Option.go).subarray(8)]);
const endless = Buffer.alloc(20);
ack(Option.go).copy(endless);
endless.writeUInt32BE(0xffffffff, 16);

const options: readonly Lie[] = [
  { lie: 'answers without the magic number', code: 'nbd/malformed-option', onOption: on(Option.go, wrongMagic) },
  { lie: 'answers another option', code: 'nbd/malformed-option', onOption: on(Option.go, ack(Option.list)) },
  { lie: 'announces an answer of 4 GiB', code: 'nbd/option-flood', onOption: on(Option.go, endless) },
  {
    lie: 'agrees with data',
    code: 'nbd/malformed-option',
    onOption: on(Option.structuredReply, encodeOptionReply(Option.structuredReply, OptionReply.ack, noise.subarray(0, 4))),
  },
  { lie: 'floods with answers', code: 'nbd/option-flood', onOption: on(Option.go, Buffer.concat(Array.from({ length: 1000 }, () => exportInfo()))) },
  {
    lie: 'sends what nobody asked for',
    code: 'nbd/unsolicited',
    onOption: on(Option.go, Buffer.concat([exportInfo(), ack(Option.go), noise.subarray(0, 100)])),
  },
  { lie: 'sends megabytes that nobody asked for', code: 'nbd/malformed-option', onOption: on(Option.structuredReply, Buffer.alloc(4 * 1024 * 1024)) },
  {
    lie: 'has no such export',
    code: 'nbd/no-export',
    onOption: on(Option.go, encodeOptionReply(Option.go, OptionError.unknownExport, Buffer.from('no'))),
  },
  { lie: 'wants TLS', code: 'nbd/refused', onOption: on(Option.extendedHeaders, encodeOptionReply(Option.extendedHeaders, OptionError.tlsRequired)) },
  {
    lie: 'is shutting down',
    code: 'nbd/refused',
    onOption: on(Option.go, encodeOptionReply(Option.go, OptionError.shutdown, Buffer.from('\u001B[2Jbye'))),
  },
  { lie: 'agrees to an export without describing it', code: 'nbd/malformed-export', onOption: on(Option.go, ack(Option.go)) },
  { lie: 'describes an export too shortly', code: 'nbd/malformed-option', onOption: on(Option.go, info(Buffer.alloc(5))) },
  { lie: 'gives an information of one byte', code: 'nbd/malformed-option', onOption: on(Option.go, info(Buffer.alloc(1))) },
  {
    lie: 'gives an answer of another kind',
    code: 'nbd/malformed-option',
    onOption: on(Option.go, encodeOptionReply(Option.go, OptionReply.server, noise.subarray(0, 40))),
  },
  { lie: 'offers 16 EiB', code: 'nbd/malformed-export', onOption: on(Option.go, exportInfo({ size: 2n ** 64n - 1n })) },
  { lie: 'offers a disk without flags', code: 'nbd/malformed-export', onOption: on(Option.go, exportInfo({ flags: 0 })) },
  { lie: 'has blocks of three bytes', code: 'nbd/malformed-export', onOption: on(Option.go, blockSizeInfo(3, 4096, 65536)) },
  { lie: 'has blocks of no bytes', code: 'nbd/malformed-export', onOption: on(Option.go, blockSizeInfo(0, 4096, 65536)) },
  { lie: 'has blocks of 2 GiB', code: 'nbd/malformed-export', onOption: on(Option.go, blockSizeInfo(2 ** 31, 2 ** 31, 0xffffffff)) },
  { lie: 'prefers less than its smallest block', code: 'nbd/malformed-export', onOption: on(Option.go, blockSizeInfo(4096, 512, 65536)) },
  { lie: 'takes less than one block', code: 'nbd/malformed-export', onOption: on(Option.go, blockSizeInfo(4096, 4096, 512)) },
  {
    lie: 'ends in the middle of a block',
    code: 'nbd/malformed-export',
    onOption: on(Option.go, Buffer.concat([exportInfo({ size: 5000n }), blockSizeInfo(4096, 4096, 65536), ack(Option.go)])),
  },
  { lie: 'chooses a context that was not asked for', code: 'nbd/malformed-option', onOption: on(Option.setMetaContext, contextReply(1, 'x:y')) },
  {
    lie: 'chooses a context twice',
    code: 'nbd/malformed-option',
    onOption: on(Option.setMetaContext, Buffer.concat([contextReply(1, ALLOCATION_CONTEXT), contextReply(2, ALLOCATION_CONTEXT)])),
  },
  { lie: 'hangs up at the export', code: 'nbd/lost', onOption: on(Option.go, 'hang up') },
];

const toRead =
  (
    answer: (o: { readonly cookie: bigint; readonly offset: number; readonly length: number }) => Buffer | 'hang up' | 'say nothing',
  ): NonNullable<Lie['onRequest']> =>
  (asked) =>
    isRead(asked) ? answer(asked) : undefined;
const toMap =
  (answer: (o: { readonly cookie: bigint; readonly length: number }) => Buffer): NonNullable<Lie['onRequest']> =>
  (asked) =>
    isMap(asked) ? answer(asked) : undefined;
const half = READ_SIZE / 2;

const replies: readonly Lie[] = [
  { lie: 'replies with noise', code: 'nbd/malformed-reply', onRequest: toRead(() => noise) },
  {
    lie: 'replies in extended headers',
    code: 'nbd/malformed-reply',
    onRequest: toRead(({ cookie }) => rawChunk({ magic: 0x6e8a278c, type: 0, cookie, length: 0 })),
  },
  {
    lie: 'gives a simple reply with data',
    code: 'nbd/malformed-reply',
    onRequest: toRead(({ cookie }) => Buffer.concat([encodeSimpleReply({ cookie, offset: 0 }, 0), noise])),
  },
  { lie: 'replies to a request that was never made', code: 'nbd/unknown-cookie', onRequest: toRead(() => chunk(99n, Chunk.none, Buffer.alloc(0))) },
  { lie: 'replies to request 2^64 - 1', code: 'nbd/unknown-cookie', onRequest: toRead(() => chunk(2n ** 64n - 1n, Chunk.none, Buffer.alloc(0))) },
  {
    lie: 'replies twice',
    code: 'nbd/unknown-cookie',
    onRequest: toMap(({ cookie, length }) =>
      Buffer.concat([chunk(cookie, Chunk.blockStatus, words(7, length, 0)), chunk(cookie, Chunk.none, Buffer.alloc(0))]),
    ),
  },
  {
    lie: 'announces a chunk of 4 GiB',
    code: 'nbd/wrong-length',
    onRequest: toRead(({ cookie }) => rawChunk({ type: Chunk.offsetData, cookie, length: 0xffffffff })),
  },
  {
    lie: 'sends more than was asked for',
    code: 'nbd/wrong-length',
    onRequest: toRead(({ cookie, offset }) => chunk(cookie, Chunk.offsetData, at(offset, Buffer.alloc(READ_SIZE + 1)))),
  },
  {
    lie: 'sends a chunk of data without data',
    code: 'nbd/wrong-length',
    onRequest: toRead(({ cookie, offset }) => chunk(cookie, Chunk.offsetData, at(offset))),
  },
  {
    lie: 'sends bytes before the range',
    code: 'nbd/outside-request',
    onRequest: toRead(({ cookie, offset, length }) => chunk(cookie, Chunk.offsetData, at(offset - 512, Buffer.alloc(length)))),
  },
  {
    lie: 'sends bytes behind the range',
    code: 'nbd/outside-request',
    onRequest: toRead(({ cookie, offset, length }) => chunk(cookie, Chunk.offsetData, at(offset + 512, Buffer.alloc(length)))),
  },
  {
    lie: 'sends bytes at 2^64 - 1',
    code: 'nbd/outside-request',
    onRequest: toRead(({ cookie }) => chunk(cookie, Chunk.offsetData, at(2n ** 64n - 1n, Buffer.alloc(1)))),
  },
  {
    lie: 'claims a hole over everything',
    code: 'nbd/outside-request',
    onRequest: toRead(({ cookie }) => chunk(cookie, Chunk.offsetHole, Buffer.concat([at(0), words(0xffffffff)]))),
  },
  {
    lie: 'claims a hole of nothing',
    code: 'nbd/overlapping-chunks',
    onRequest: toRead(({ cookie, offset }) => chunk(cookie, Chunk.offsetHole, Buffer.concat([at(offset), words(0)]))),
  },
  {
    lie: 'gives a hole a wrong length',
    code: 'nbd/wrong-length',
    onRequest: toRead(({ cookie, offset }) => chunk(cookie, Chunk.offsetHole, Buffer.concat([at(offset), words(1, 2)]))),
  },
  {
    lie: 'sends a part twice',
    code: 'nbd/overlapping-chunks',
    onRequest: toRead(({ cookie, offset }) => {
      const bytes = at(offset, Buffer.alloc(half));
      return Buffer.concat([part(cookie, Chunk.offsetData, bytes), chunk(cookie, Chunk.offsetData, bytes)]);
    }),
  },
  {
    lie: 'cuts its answer into single bytes',
    code: 'nbd/overlapping-chunks',
    onRequest: toRead(({ cookie, offset }) =>
      Buffer.concat(Array.from({ length: 1000 }, (_, index) => part(cookie, Chunk.offsetData, at(offset + 2 * index, Buffer.alloc(1))))),
    ),
  },
  {
    lie: 'leaves out the second half',
    code: 'nbd/incomplete-reply',
    onRequest: toRead(({ cookie, offset }) => chunk(cookie, Chunk.offsetData, at(offset, Buffer.alloc(half)))),
  },
  {
    lie: 'says that it is done without a byte',
    code: 'nbd/incomplete-reply',
    onRequest: toRead(({ cookie }) => chunk(cookie, Chunk.none, Buffer.alloc(0))),
  },
  {
    lie: 'says nothing in a chunk that is not the last',
    code: 'nbd/malformed-reply',
    onRequest: toRead(({ cookie }) => part(cookie, Chunk.none, Buffer.alloc(0))),
  },
  { lie: 'sends a chunk that nobody knows', code: 'nbd/malformed-reply', onRequest: toRead(({ cookie }) => chunk(cookie, 77, Buffer.alloc(8))) },
  {
    lie: 'maps when it is asked to read',
    code: 'nbd/malformed-reply',
    onRequest: toRead(({ cookie }) => chunk(cookie, Chunk.blockStatus, words(7, 1, 0))),
  },
  { lie: 'fails with the error 0', code: 'nbd/malformed-reply', onRequest: toRead(({ cookie }) => chunk(cookie, Chunk.error, Buffer.alloc(6))) },
  {
    lie: 'gives reasons that are longer than their chunk',
    code: 'nbd/wrong-length',
    onRequest: toRead(({ cookie }) => chunk(cookie, Chunk.error, Buffer.from([0, 0, 0, 5, 0xff, 0xff]))),
  },
  {
    lie: 'gives reasons of a megabyte',
    code: 'nbd/wrong-length',
    onRequest: toRead(({ cookie }) => rawChunk({ type: Chunk.error, cookie, length: 1024 * 1024 })),
  },
  { lie: 'fails', code: 'source/unreadable', onRequest: toRead(({ cookie }) => chunk(cookie, Chunk.error, Buffer.from([0, 0, 0, 5, 0, 0]))) },
  {
    lie: 'fails in a way that is not known',
    code: 'source/unreadable',
    onRequest: toRead(({ cookie }) => chunk(cookie, 0x80ff, Buffer.from([0, 0, 0, 5, 0, 0, 1, 2]))),
  },
  { lie: 'hangs up in the middle of a chunk', code: 'nbd/lost', onRequest: toRead(() => 'hang up') },
  { lie: 'falls silent', code: 'nbd/timeout', onRequest: toRead(() => 'say nothing') },
  {
    lie: 'maps a context that was not chosen',
    code: 'nbd/malformed-map',
    onRequest: toMap(({ cookie, length }) => chunk(cookie, Chunk.blockStatus, words(8, length, 0))),
  },
  { lie: 'maps without a run', code: 'nbd/wrong-length', onRequest: toMap(({ cookie }) => chunk(cookie, Chunk.blockStatus, words(7))) },
  { lie: 'maps half a run', code: 'nbd/malformed-map', onRequest: toMap(({ cookie, length }) => chunk(cookie, Chunk.blockStatus, words(7, length))) },
  {
    lie: 'maps a run of no bytes',
    code: 'nbd/malformed-map',
    onRequest: toMap(({ cookie, length }) => chunk(cookie, Chunk.blockStatus, words(7, 0, 0, length, 0))),
  },
  {
    lie: 'maps one context twice',
    code: 'nbd/malformed-map',
    onRequest: toMap(({ cookie, length }) =>
      Buffer.concat([part(cookie, Chunk.blockStatus, words(7, length, 0)), chunk(cookie, Chunk.blockStatus, words(7, length, 0))]),
    ),
  },
  { lie: 'maps nothing', code: 'nbd/malformed-map', onRequest: toMap(({ cookie }) => chunk(cookie, Chunk.none, Buffer.alloc(0))) },
  {
    lie: 'announces a map of 2 GiB',
    code: 'nbd/wrong-length',
    onRequest: toMap(({ cookie }) => rawChunk({ type: Chunk.blockStatus, cookie, length: 2 ** 31 })),
  },
];

const { signal } = new AbortController();

async function visit(lie: Omit<Lie, 'code' | 'lie'>): Promise<void> {
  await using server = await openLiar(lie);
  using connection = await NbdConnection.open(
    { address: { host: '127.0.0.1', port: server.port }, name: 'disk', contexts: [ALLOCATION_CONTEXT], allowsPlaintext: false, silenceMs: 200 },
    { signal },
  );
  const maps = await connection.map({ offset: 0, length: SIZE });
  for (const map of maps.values()) expect([...map].length).toBeGreaterThan(0);
  const room = Buffer.alloc(READ_SIZE);
  await connection.read({ offset: READ_SIZE, length: READ_SIZE }, () => room);
}

test('an honest server is read', async () => {
  await visit({});
});

describe('a server is refused that', () => {
  test.each([...greetings, ...options, ...replies].map((lie) => [lie.lie, lie.code, lie] as const))('%s: %s', async (_lie, code, lie) => {
    await expect(visit(lie)).rejects.toMatchObject({ code });
  });

  test('lists names longer than their message', async () => {
    const entry = encodeOptionReply(Option.list, OptionReply.server, words(5000));
    await using server = await openLiar({ onOption: on(Option.list, entry) });
    await expect(listExports({ address: { host: '127.0.0.1', port: server.port }, allowsPlaintext: false }, { signal })).rejects.toMatchObject({
      code: 'nbd/malformed-option',
    });
  });

  test('lists names without end', async () => {
    const entry = encodeOptionReply(Option.list, OptionReply.server, Buffer.concat([words(1), Buffer.from('a')]));
    await using server = await openLiar({ onOption: on(Option.list, Buffer.concat(Array.from({ length: 1100 }, () => entry))) });
    await expect(listExports({ address: { host: '127.0.0.1', port: server.port }, allowsPlaintext: false }, { signal })).rejects.toMatchObject({
      code: 'nbd/option-flood',
    });
  });
});

test('what a server says is shown without what a terminal would obey', async () => {
  await expect(
    visit({ onOption: on(Option.go, encodeOptionReply(Option.go, OptionError.shutdown, Buffer.from('\u001B[2J\u202Ebye'))) }),
  ).rejects.toThrow('"[2J bye"');
});

test('a stop ends a read at once, and nothing is written to its buffer afterwards', async () => {
  const stop = new AbortController();
  await using server = await openLiar({ onRequest: toRead(() => 'say nothing') });
  using connection = await NbdConnection.open(
    { address: { host: '127.0.0.1', port: server.port }, name: '', contexts: [], allowsPlaintext: false },
    { signal: stop.signal },
  );
  const room = Buffer.alloc(READ_SIZE);
  const read = connection.read({ offset: 0, length: READ_SIZE }, () => room);
  connection.fail(new Error('stopped'));
  await expect(read).rejects.toThrow('stopped');
});
