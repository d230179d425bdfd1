import { randomBytes } from 'node:crypto';
import { HyperError, type ErrorCode } from '@hypersdk/domain';
import { describe, expect, test } from 'vitest';
import { partHead, startHostileWebServer, type Answer, type AskedRange } from './hostile-web-servers.ts';
import { RangeFile } from './range-file.ts';

const FILE = randomBytes(300_000);
const size = FILE.length;
const { signal } = new AbortController();

const bodyOf = ({ offset, length }: AskedRange): Buffer => FILE.subarray(offset, offset + length);
const part = (asked: AskedRange, fields: Readonly<Record<string, string | undefined>> = {}, body = bodyOf(asked)): Buffer =>
  Buffer.concat([Buffer.from(partHead(asked, { size, fields }), 'latin1'), body]);
const chunk = (bytes: Uint8Array): Buffer => Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')]);
const CHUNKED = { 'Content-Length': undefined, 'Transfer-Encoding': 'chunked' } as const;
const chunked = (asked: AskedRange, body: Buffer): Buffer => part(asked, CHUNKED, body);
/** Honest when it is first asked; the lie comes with the content. */
const later =
  (lie: (asked: AskedRange) => Answer) =>
  (asked: AskedRange): Answer =>
    asked.index === 0 ? part(asked) : lie(asked);
const endless =
  (head: string, filling: string): Answer =>
  (socket) => {
    socket.write(head);
    const more = (): void => {
      while (!socket.destroyed && socket.write(filling));
      if (!socket.destroyed) socket.once('drain', more);
    };
    more();
  };

async function readFrom(answer: (asked: AskedRange) => Answer): Promise<{ readonly bytes: Uint8Array; readonly requests: readonly string[] }> {
  await using server = await startHostileWebServer(answer);
  using file = await RangeFile.open({ url: server.url, fields: [], silenceMs: 1000 }, { signal });
  const bytes = new Uint8Array(file.size);
  await file.read(0, bytes, { signal });
  return { bytes, requests: server.requests };
}

type Lie = readonly [what: string, code: ErrorCode, says: RegExp, answer: (asked: AskedRange) => Answer];

const lies: readonly Lie[] = [
  [
    'answers with a later range',
    'http/malformed-reply',
    /at byte 7 when/,
    later((asked) => part({ ...asked, offset: asked.offset + 7, length: asked.length - 7 })),
  ],
  ['names a longer range than was asked for', 'http/malformed-reply', /when 1 at byte|when the first one/, (asked) => part({ ...asked, length: 2 })],
  ['names an end before the start', 'http/malformed-reply', /cannot be/, (asked) => part(asked, { 'Content-Range': `bytes 5-4/${size}` })],
  ['names a range past the end', 'http/malformed-reply', /cannot be/, (asked) => part(asked, { 'Content-Range': `bytes 0-${size}/${size}` })],
  ['does not say the size', 'http/malformed-reply', /how large/, (asked) => part(asked, { 'Content-Range': 'bytes 0-0/*' })],
  [
    'claims a size beyond all numbers',
    'http/malformed-reply',
    /no number of bytes/,
    (asked) => part(asked, { 'Content-Range': 'bytes 0-0/99999999999999999999' }),
  ],
  ['counts in another unit', 'http/malformed-reply', /range that is none/, (asked) => part(asked, { 'Content-Range': `pages 0-0/${size}` })],
  ['leaves the range out', 'http/malformed-reply', /does not say which/, (asked) => part(asked, { 'Content-Range': undefined })],
  [
    'sends parts in one body',
    'http/malformed-reply',
    /does not say which/,
    (asked) => part(asked, { 'Content-Range': undefined, 'Content-Type': 'multipart/byteranges; boundary=x' }),
  ],
  ['sends crumbs', 'http/malformed-reply', /answers with 10 bytes/, later((asked) => part({ ...asked, length: 10 }))],
  [
    'announces a shorter body than its range',
    'http/malformed-reply',
    /range of 300000 bytes and sends 10/,
    later((asked) => part(asked, { 'Content-Length': '10' })),
  ],
  [
    'announces a longer body than its range',
    'http/malformed-reply',
    /and sends 300001/,
    later((asked) => part(asked, { 'Content-Length': '300001' })),
  ],
  [
    'sends more than it announced',
    'http/malformed-reply',
    /more than was asked for|what was not asked for/,
    (asked) => Buffer.concat([part(asked), Buffer.from('HTTP/1.1 206 OK\r\n')]),
  ],
  ['compresses what it sends', 'http/malformed-reply', /coding \\?"gzip/, (asked) => part(asked, { 'Content-Encoding': 'gzip' })],
  [
    'uses another transfer coding',
    'http/malformed-reply',
    /transfer coding/,
    (asked) => part(asked, { 'Content-Length': undefined, 'Transfer-Encoding': 'gzip, chunked' }),
  ],
  ['gives a length and chunks at once', 'http/malformed-reply', /at once/, (asked) => part(asked, { 'Transfer-Encoding': 'chunked' })],
  ['gives its length twice', 'http/malformed-reply', /twice/, (asked) => part(asked, { 'content-length': '1' })],
  ['gives a negative length', 'http/malformed-reply', /no number of bytes/, (asked) => part(asked, { 'Content-Length': '-1' })],
  ['gives a hexadecimal length', 'http/malformed-reply', /no number of bytes/, (asked) => part(asked, { 'Content-Length': '0x1' })],
  ['folds a line', 'http/malformed-reply', /is none/, (asked) => part(asked, { 'X-A': 'b\r\n Content-Length: 9' })],
  ['puts a space before a colon', 'http/malformed-reply', /is none/, (asked) => part(asked, { 'Content-Length ': '9' })],
  ['hides a field behind a lone line feed', 'http/malformed-reply', /is none/, (asked) => part(asked, { 'X-A': 'b\nContent-Length: 9' })],
  ['sends a field of zeros', 'http/malformed-reply', /is none/, (asked) => part(asked, { 'X-A': 'b\0c' })],
  [
    'sends too many fields',
    'http/malformed-reply',
    /more than 128/,
    (asked) => part(asked, Object.fromEntries(Array.from({ length: 200 }, (_, n) => [`X-${n}`, '1']))),
  ],
  ['sends a field without end', 'http/malformed-reply', /more than 32768 bytes/, () => endless('HTTP/1.1 206 OK\r\nX-A: ', 'a'.repeat(65_536))],
  ['puts the answer off for ever', 'http/malformed-reply', /without end/, () => endless('', 'HTTP/1.1 100 Continue\r\n\r\n'.repeat(1000))],
  ['speaks another protocol', 'http/malformed-reply', /does not speak/, () => 'SSH-2.0-OpenSSH_9.2\r\n\r\n'],
  ['speaks HTTP/2 unasked', 'http/malformed-reply', /does not speak/, () => 'HTTP/2 206 OK\r\n\r\n'],
  ['sends chunks of no size', 'http/malformed-reply', /whose size is none/, (asked) => chunked(asked, Buffer.from('zz\r\n'))],
  ['sends a chunk of an absurd size', 'http/malformed-reply', /whose size is none/, (asked) => chunked(asked, Buffer.from('fffffffffffff\r\n'))],
  [
    'sends longer chunks than it said',
    'http/malformed-reply',
    /longer than it said/,
    (asked) => chunked(asked, Buffer.from('1\r\nabc\r\n0\r\n\r\n')),
  ],
  [
    'sends more in chunks than its range',
    'http/malformed-reply',
    /longer body/,
    (asked) => chunked(asked, Buffer.concat([chunk(Buffer.alloc(9)), Buffer.from('0\r\n\r\n')])),
  ],
  ['sends less in chunks than its range', 'http/malformed-reply', /and sends 0/, (asked) => chunked(asked, Buffer.from('0\r\n\r\n'))],
  [
    'sends chunk extensions without end',
    'http/malformed-reply',
    /line without end/,
    (asked) => endless(partHead(asked, { size, fields: CHUNKED }) + '1;', 'x'.repeat(65_536)),
  ],
  [
    'sends trailers without end',
    'http/malformed-reply',
    /without end behind/,
    (asked) => endless(partHead(asked, { size, fields: CHUNKED }) + '1\r\na\r\n0\r\n', 'A: b\r\n'.repeat(1000)),
  ],
  ['changes the tag', 'source/changed', /another tag/, later((asked) => part(asked, { ETag: '"two"' }))],
  ['forgets the tag', 'source/changed', /another tag/, later((asked) => part(asked, { ETag: undefined }))],
  ['weakens the tag', 'source/changed', /another tag/, later((asked) => part(asked, { ETag: 'W/"one"' }))],
  ['changes the size', 'source/changed', /instead of 300000/, later((asked) => Buffer.from(partHead(asked, { size: size + 1 })))],
  ['says that the condition failed', 'source/changed', /lies there now/, later(() => 'HTTP/1.1 412 Precondition Failed\r\n\r\n')],
  ['sends all of another file', 'source/changed', /lies there now/, later(() => 'HTTP/1.1 200 OK\r\nETag: "two"\r\n\r\n')],
  ['became shorter', 'source/changed', /shorter/, later(() => `HTTP/1.1 416 Range Not Satisfiable\r\nContent-Range: bytes */5\r\n\r\n`)],
  ['has no ranges', 'http/no-ranges', /only as a whole/, () => endless(`HTTP/1.1 200 OK\r\nContent-Length: 9999999999\r\n\r\n`, 'x'.repeat(65_536))],
  ['names nothing that changes with the content', 'http/no-validator', /neither/, (asked) => part(asked, { ETag: undefined })],
  ['has only a weak tag', 'http/no-validator', /neither/, (asked) => part(asked, { ETag: 'W/"one"' })],
  ['puts a line into the tag', 'http/malformed-reply', /is none/, (asked) => part(asked, { ETag: '"a\rRange: bytes=0-9"' })],
  ['has no such file', 'source/not-found', /404/, () => 'HTTP/1.1 404 Not Found\r\n\r\n'],
  ['does not let us in', 'source/forbidden', /403/, () => 'HTTP/1.1 403 Forbidden\r\n\r\n'],
  ['redirects in a circle', 'http/redirect-refused', /more than 5/, () => 'HTTP/1.1 302 Found\r\nLocation: /disk.raw\r\n\r\n'],
  ['redirects to nowhere', 'http/malformed-reply', /nowhere/, () => 'HTTP/1.1 302 Found\r\n\r\n'],
  ['redirects to a file', 'http/redirect-refused', /leads to/, () => 'HTTP/1.1 302 Found\r\nLocation: file:///etc/shadow\r\n\r\n'],
  ['redirects to another protocol', 'http/redirect-refused', /leads to/, () => 'HTTP/1.1 302 Found\r\nLocation: gopher://127.0.0.1/1\r\n\r\n'],
  ['redirects with a password', 'http/redirect-refused', /a user in it/, () => 'HTTP/1.1 302 Found\r\nLocation: http://a:b@127.0.0.1/\r\n\r\n'],
];

describe('a web server that', () => {
  test.each(lies)('%s is refused', async (...[, code, says, answer]) => {
    const error = await readFrom(answer).then(
      () => undefined,
      (cause: unknown) => cause,
    );
    expect(error).toBeInstanceOf(HyperError);
    expect(error).toMatchObject({ code, message: expect.stringMatching(says) });
  });
});

describe('a web server that is only poor', () => {
  test.each<[what: string, answer: (asked: AskedRange) => Answer]>([
    [
      'sends chunks',
      (asked) =>
        chunked(
          asked,
          Buffer.concat([
            chunk(bodyOf(asked).subarray(0, 1)),
            ...(asked.length > 1 ? [chunk(bodyOf(asked).subarray(1))] : []),
            Buffer.from('0\r\nX: y\r\n\r\n'),
          ]),
        ),
    ],
    ['ends each body with the connection', (asked) => (socket) => socket.end(part(asked, { 'Content-Length': undefined, Connection: 'close' }))],
    ['speaks HTTP/1.0', (asked) => (socket) => socket.end(Buffer.from(part(asked).toString('latin1').replace('HTTP/1.1', 'HTTP/1.0'), 'latin1'))],
    ['says that it goes on', (asked) => Buffer.concat([Buffer.from('HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n'), part(asked)])],
    ['answers with a part of what was asked for', later((asked) => part({ ...asked, length: Math.min(asked.length, 100_000) }))],
    [
      'hangs up in the middle of a body',
      later((asked) => (asked.index < 4 ? (socket) => socket.end(part(asked).subarray(0, 50_000 + asked.index)) : part(asked))),
    ],
    ['hangs up instead of an answer', later((asked) => (asked.index < 3 ? (socket) => socket.destroy() : part(asked)))],
    ['is busy for a moment', later((asked) => (asked.index < 3 ? 'HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n' : part(asked)))],
    ['says nothing for a while', later((asked) => (asked.index < 2 ? () => undefined : part(asked)))],
    ['has times only', (asked) => part(asked, { ETag: undefined, 'Last-Modified': 'Sat, 01 Aug 2026 10:00:00 GMT' })],
    [
      'drips',
      (asked) => (socket) => {
        const bytes = part(asked);
        let at = 0;
        const drip = (): void => {
          socket.write(bytes.subarray(at, at + 20_000));
          at += 20_000;
          if (at < bytes.length) setTimeout(drip, 5);
        };
        drip();
      },
    ],
  ])('%s is read to the last byte', async (_what, answer) => {
    const { bytes } = await readFrom(answer);
    expect(Buffer.compare(bytes, FILE)).toBe(0);
  });

  test('keeps one connection for one request after another', async () => {
    await using server = await startHostileWebServer((asked) => part(asked));
    using file = await RangeFile.open({ url: server.url, fields: [] }, { signal });
    for (let at = 0; at < 10; at += 1) await file.read(at, new Uint8Array(10), { signal });
    expect(server.connections).toBe(2);
    expect(server.requests.slice(1).every((text) => text.includes('If-Match: "one"'))).toBe(true);
  });
});

test('a redirection is followed, and what is secret stays with the origin it was meant for', async () => {
  await using there = await startHostileWebServer((asked) => part(asked));
  await using here = await startHostileWebServer(() => `HTTP/1.1 307 Temporary Redirect\r\nLocation: ${there.url}\r\n\r\n`);
  const url = here.url.replace('//', '//anna:secret@');
  using file = await RangeFile.open({ url, fields: [['X-Token', 'abc']] }, { signal });
  await file.read(5, new Uint8Array(5), { signal });
  expect(here.requests[0]).toContain(`Authorization: Basic ${Buffer.from('anna:secret').toString('base64')}`);
  expect(here.requests[0]).toContain('X-Token: abc');
  expect(there.requests).toHaveLength(2);
  for (const request of there.requests) expect(request).not.toMatch(/Authorization|X-Token/);
});

test('a server that goes away for good is given up by name', async () => {
  const error = await readFrom(() => (socket) => socket.destroy()).catch((cause: unknown) => cause);
  expect(error).toMatchObject({ code: 'source/unreadable', message: expect.stringMatching(/hung up\. It was tried 4 times/) });
});

test('a stop ends a read that waits', async () => {
  await using server = await startHostileWebServer(later(() => () => undefined));
  using file = await RangeFile.open({ url: server.url, fields: [] }, { signal });
  const stop = new AbortController();
  const reading = file.read(0, new Uint8Array(100), { signal: stop.signal });
  setTimeout(() => stop.abort(new HyperError('transfer/cancelled', 'Enough.')), 50);
  await expect(reading).rejects.toMatchObject({ code: 'transfer/cancelled' });
});
