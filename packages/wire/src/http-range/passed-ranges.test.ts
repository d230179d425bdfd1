import { randomBytes } from 'node:crypto';
import { HyperError, MIB } from '@hypersdk/domain';
import { expect, test } from 'vitest';
import { partHead, startHostileWebServer, type Answer, type AskedRange } from './hostile-web-servers.ts';
import { RangeFile } from './range-file.ts';

const FILE = randomBytes(MIB + 77);
const { signal } = new AbortController();
const ALL = { offset: 0, length: FILE.length };

const bodyOf = ({ offset, length }: AskedRange): Buffer => FILE.subarray(offset, offset + length);
const part = (asked: AskedRange, o: { readonly body?: Buffer; readonly fields?: Readonly<Record<string, string | undefined>> } = {}): Buffer =>
  Buffer.concat([Buffer.from(partHead(asked, { size: FILE.length, ...(o.fields ? { fields: o.fields } : {}) }), 'latin1'), o.body ?? bodyOf(asked)]);
const chunk = (bytes: Uint8Array): Buffer => Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')]);

interface Passed {
  readonly bytes: Buffer;
  readonly pieces: readonly number[];
  readonly requests: readonly string[];
}

async function pass(answer: (asked: AskedRange) => Answer, o: { readonly onPiece?: () => void } = {}): Promise<Passed> {
  await using server = await startHostileWebServer(answer);
  using file = await RangeFile.open({ url: server.url, fields: [], silenceMs: 1000 }, { signal });
  const pieces: Buffer[] = [];
  await file.pass(
    ALL,
    (bytes) => {
      o.onPiece?.();
      pieces.push(Buffer.from(bytes));
    },
    { signal },
  );
  return { bytes: Buffer.concat(pieces), pieces: pieces.map(({ length }) => length), requests: server.requests };
}

test('a range comes in one answer and is handed out in order, piece by piece', async () => {
  const { bytes, pieces, requests } = await pass((asked) => part(asked));
  expect(bytes.equals(FILE)).toBe(true);
  expect(requests.length).toBe(2);
  expect(pieces.length).toBeGreaterThan(4);
});

test('chunks of any length are put together to the same pieces', async () => {
  const { bytes } = await pass((asked) => {
    const body = bodyOf(asked);
    const chunks = Array.from({ length: Math.ceil(body.length / 70_001) }, (_, index) => chunk(body.subarray(index * 70_001, (index + 1) * 70_001)));
    return part(asked, {
      fields: { 'Content-Length': undefined, 'Transfer-Encoding': 'chunked' },
      body: Buffer.concat([...chunks, chunk(Buffer.alloc(0))]),
    });
  });
  expect(bytes.equals(FILE)).toBe(true);
});

test('an answer that is cut is asked for again behind what was taken, and no byte is taken twice', async () => {
  const { bytes, requests } = await pass((asked) => {
    const whole = part(asked);
    return asked.index === 0 || asked.length < 300_000 ? whole : (socket) => socket.end(whole.subarray(0, 250_000));
  });
  expect(bytes.equals(FILE)).toBe(true);
  expect(requests.length).toBeGreaterThan(4);
});

test('a server may answer with less than was asked for', async () => {
  const { bytes } = await pass((asked) => part({ ...asked, length: Math.min(asked.length, 100_000) }));
  expect(bytes.equals(FILE)).toBe(true);
});

test('what the taker throws ends it, and nothing more is taken', async () => {
  let taken = 0;
  const full = new HyperError('target/full', 'The target is full.');
  const onPiece = (): void => {
    taken += 1;
    if (taken === 3) throw full;
  };
  await expect(pass((asked) => part(asked), { onPiece })).rejects.toBe(full);
  expect(taken).toBe(3);
});
