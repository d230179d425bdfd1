import { randomBytes } from 'node:crypto';
import { MIB } from '@hypersdk/domain';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { partHead, startHostileWebServer } from './hostile-web-servers.ts';
import { RangeFile } from './range-file.ts';

const FILE = randomBytes(3 * MIB + 17);
const { signal } = new AbortController();

test('a line that breaks at any byte costs no byte and adds none', async () => {
  const cut = fc.integer({ min: 0, max: 400_000 });
  await fc.assert(
    fc.asyncProperty(fc.array(cut, { minLength: 1, maxLength: 12 }), async (cuts) => {
      const left = [...cuts];
      await using server = await startHostileWebServer(({ offset, length }) => {
        const answer = Buffer.concat([Buffer.from(partHead({ offset, length }, { size: FILE.length })), FILE.subarray(offset, offset + length)]);
        // The first byte, which only tells what the file is, and at last all else come whole.
        const at = length === 1 ? undefined : left.pop();
        return at === undefined || at >= answer.length ? answer : (socket) => socket.end(answer.subarray(0, at), () => socket.destroy());
      });
      using file = await RangeFile.open({ url: server.url, fields: [] }, { signal });
      const bytes = new Uint8Array(FILE.length);
      await file.read(0, bytes, { signal });
      expect(Buffer.compare(bytes, FILE)).toBe(0);
      expect(left).toEqual([]);
    }),
    { numRuns: 12 },
  );
});

test('a body without end is refused where its range ends, and fills no memory', async () => {
  let sent = 0;
  await using server = await startHostileWebServer((asked) => (socket) => {
    const filling = Buffer.alloc(MIB);
    socket.write(partHead(asked, { size: 8 * MIB }));
    if (asked.length === 1) return void socket.write('a');
    const more = (): void => {
      if (!socket.writable) return;
      sent += filling.length;
      socket.write(filling, more);
    };
    more();
  });
  using file = await RangeFile.open({ url: server.url, fields: [] }, { signal });
  const before = process.memoryUsage().arrayBuffers;
  const reading = file.read(0, new Uint8Array(8 * MIB), { signal });
  await expect(reading).rejects.toMatchObject({ code: 'http/malformed-reply' });
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(64 * MIB);
  expect(sent).toBeLessThan(256 * MIB);
});
