import { MemoryPlace } from '../../packages/wire/src/http-range/body-place.ts';
import { requirePlain } from '../../packages/wire/src/http-range/find-file.ts';
import { partHead } from '../../packages/wire/src/http-range/hostile-web-servers.ts';
import { HttpConnection } from '../../packages/wire/src/http-range/http-connection.ts';
import { parseHttpTarget } from '../../packages/wire/src/http-range/http-target.ts';
import { contentRangeOf, type ResponseHead } from '../../packages/wire/src/http-range/response-head.ts';
import { refusalOf } from '../../packages/wire/src/http-range/status-refusal.ts';
import { isSame, validatorOf, type Validator } from '../../packages/wire/src/http-range/validator.ts';
import type { FuzzReader } from '../engine/fuzz-reader.ts';
import { sampleOf, type Sample } from '../engine/sample.ts';
import { TapeSocket } from './tape-socket.ts';

const TARGET = parseHttpTarget('http://server/disk.raw');
const SIZE = 100_000;
const RANGE = { offset: 512, length: 4096 } as const;

/** A web server that lies about a file: the answer to a request for its first byte, then one to a request for a range. */
export const httpReader: FuzzReader = {
  changes: 'bytes',
  seeds,
  execute: async ({ files }) => {
    let socket: TapeSocket | undefined;
    using connection = new HttpConnection((onread) => (socket = new TapeSocket(onread)));
    const work = readFile(connection);
    const play = async (): Promise<void> => {
      for (const file of files) await socket?.say(file.toBytes());
      socket?.hangUp();
    };
    await Promise.all([work, play()]);
  },
};

/** What finding a file and reading a range of it does with the answers. */
async function readFile(connection: HttpConnection): Promise<void> {
  const first: { size?: number; validator?: Validator } = {};
  await connection.exchange('', (head) => {
    if (head.status !== 206) throw refusalOf(head, TARGET);
    const { size } = admit(head, { offset: 0, length: 1 });
    Object.assign(first, { size, validator: validatorOf(head) });
    return new MemoryPlace(new Uint8Array(1));
  });
  const into = new Uint8Array(RANGE.length);
  const place = new MemoryPlace(into);
  await connection.exchange('', (head) => {
    if (head.status !== 206) throw refusalOf(head, TARGET);
    const { size } = admit(head, RANGE);
    if (size !== first.size || !first.validator || !isSame(first.validator, head)) throw refusalOf({ ...head, status: 412 }, TARGET);
    return place;
  });
  if (place.done !== into.length) throw new Error(`An answer of ${into.length} bytes ended after ${place.done}.`);
}

function admit(head: ResponseHead, asked: { readonly offset: number; readonly length: number }): { readonly size: number } {
  requirePlain(head);
  const { offset, length, size } = contentRangeOf(head);
  if (offset !== asked.offset || length !== asked.length) throw refusalOf({ ...head, status: 416 }, TARGET);
  return { size };
}

const tape = (...pieces: readonly (string | Uint8Array)[]): Sample =>
  sampleOf(Object.fromEntries(pieces.map((piece, index) => [`piece ${index}`, Buffer.from(piece)])));

function seeds(): readonly Sample[] {
  const first = { offset: 0, length: 1 };
  const content = Buffer.alloc(RANGE.length, 1);
  const head = (range: typeof first, fields: Readonly<Record<string, string | undefined>> = {}): string => partHead(range, { size: SIZE, fields });
  const chunked = { 'Content-Length': undefined, 'Transfer-Encoding': 'chunked' };
  const chunks = Buffer.concat([
    Buffer.from('400;name=value\r\n'),
    content.subarray(0, 1024),
    Buffer.from('\r\nc00\r\n'),
    content.subarray(1024),
    Buffer.from('\r\n0\r\nX: y\r\n\r\n'),
  ]);
  const timed = { ETag: undefined, 'Last-Modified': 'Thu, 01 Jan 2026 00:00:00 GMT' };
  return [
    tape(`${head(first)}x`, head(RANGE), content),
    tape(`HTTP/1.1 100 Continue\r\n\r\n${head(first, timed)}x`, Buffer.concat([Buffer.from(head(RANGE, timed)), content])),
    tape(`${head(first, chunked)}1\r\nx\r\n0\r\n\r\n`, head(RANGE, chunked), chunks),
    tape(`${head(first)}x`, head(RANGE, { 'Content-Length': undefined, Connection: 'close' }), content),
    tape('HTTP/1.1 302 Found\r\nLocation: http://other/\r\nContent-Length: 0\r\n\r\n'),
    tape('HTTP/1.1 503 Busy\r\nRetry-After: 3\r\n\r\n'),
  ];
}
