import { HyperError } from '@hypersdk/domain';
import { expect, test } from 'vitest';
import { partHead, startHostileWebServer } from './hostile-web-servers.ts';
import { persist } from './persist.ts';
import { RangeFile } from './range-file.ts';
import { retryAfterOf } from './retry-after.ts';

const { signal } = new AbortController();
const waitFor = (fields: Readonly<Record<string, string>>): number | undefined =>
  retryAfterOf({ status: 503, fields: new Map(Object.entries(fields)), isKept: true });

test('a wait is told in seconds, or by a date beside the date of the server', () => {
  expect(waitFor({ 'retry-after': '7' })).toBe(7000);
  expect(waitFor({ 'retry-after': 'Tue, 01 Jan 2030 00:00:30 GMT', date: 'Tue, 01 Jan 2030 00:00:10 GMT' })).toBe(20_000);
  expect(waitFor({ 'retry-after': 'Tue, 01 Jan 2030 00:00:10 GMT', date: 'Tue, 01 Jan 2030 00:00:30 GMT' })).toBe(0);
});

test.each(['', '-1', '1.5', 'soon', '99999999999', 'Tue, 99 Jan 2030 00:00:00 GMT', '2030-01-01'])('%j is no wait', (text) => {
  expect(waitFor({ 'retry-after': text })).toBeUndefined();
});

test('no server makes a copy sleep for longer than a minute', () => {
  expect(waitFor({ 'retry-after': '86400' })).toBe(60_000);
  expect(waitFor({ 'retry-after': 'Tue, 01 Jan 2030 10:00:00 GMT', date: 'Tue, 01 Jan 2030 00:00:00 GMT' })).toBe(60_000);
});

test('the longer of what the server wants and what we would wait is waited', async () => {
  let tries = 0;
  const busyOnce = (retryAfterMs: number) => async (): Promise<void> => {
    tries += 1;
    if (tries % 2 === 1) throw new HyperError('http/busy', 'Busy.', { detail: { retryAfterMs } });
  };
  const elapsed = async (retryAfterMs: number, waitMs: number): Promise<number> => {
    const begun = performance.now();
    await persist(busyOnce(retryAfterMs), { signal, waitsMs: [waitMs], passing: ['http/busy'] });
    return performance.now() - begun;
  };
  expect(await elapsed(150, 0)).toBeGreaterThan(140);
  expect(await elapsed(0, 150)).toBeGreaterThan(140);
});

test.each(['429 Too Many Requests', '503 Service Unavailable'])(
  'a server that answers %s is left alone as long as it says, then read',
  async (status) => {
    const content = Buffer.from('a disk');
    const asked: number[] = [];
    await using server = await startHostileWebServer((range) => {
      asked.push(performance.now());
      if (range.index === 1) return `HTTP/1.1 ${status}\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n`;
      return Buffer.concat([
        Buffer.from(partHead(range, { size: content.length }), 'latin1'),
        content.subarray(range.offset, range.offset + range.length),
      ]);
    });
    using file = await RangeFile.open({ url: server.url, fields: [] }, { signal });
    const bytes = Buffer.alloc(content.length);
    await file.read(0, bytes, { signal });
    expect(bytes).toEqual(content);
    const [, refused = 0, again = 0] = asked;
    expect(again - refused).toBeGreaterThan(950);
  },
);
