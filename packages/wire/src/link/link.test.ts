import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Writable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { dialProgram, ProgramEnded } from './dial-program.ts';
import { dialSocket } from './dial-socket.ts';
import { Link } from './link.ts';

const { signal } = new AbortController();

interface Heard {
  text: string;
  readonly ended: Promise<Error>;
}

function listen(link: Link): Heard {
  const { promise, resolve } = Promise.withResolvers<Error>();
  const heard: Heard = { text: '', ended: promise };
  link.receiver = { received: (bytes) => (heard.text += bytes.toString()), ended: resolve };
  return heard;
}

describe('a link to a program', () => {
  test('carries bytes in both directions, and no shell is between', async () => {
    const link = await dialProgram({ program: 'cat', args: ['-', '/no/such;echo'] }, { signal });
    const heard = listen(link);
    link.write(Buffer.from('a'));
    link.write(Buffer.from('b'));
    await expect.poll(() => heard.text).toBe('ab');
    link[Symbol.dispose]();
    expect((await heard.ended).message).toBe('the connection was closed');
  });

  test('that ends by itself tells its last words', async () => {
    const heard = listen(await dialProgram({ program: 'sh', args: ['-c', 'echo out; echo "no way" >&2; exit 7'] }, { signal }));
    const reason = await heard.ended;
    expect(heard.text).toBe('out\n');
    expect(reason).toBeInstanceOf(ProgramEnded);
    expect(reason).toMatchObject({ status: 7, said: 'no way\n' });
  });

  test('that there is not is told by the system', async () => {
    await expect(dialProgram({ program: '/no/such/program', args: [] }, { signal })).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

describe('a link to a socket', () => {
  async function withServer(behave: (socket: Socket) => void, check: (path: string) => Promise<void>): Promise<void> {
    const folder = mkdtempSync(join(tmpdir(), 'hypersdk-link-'));
    const path = join(folder, 'socket');
    const server = createServer((socket) => behave(socket.on('error', () => {})));
    server.listen(path);
    await once(server, 'listening');
    try {
      await check(path);
    } finally {
      server.close();
      rmSync(folder, { recursive: true });
    }
  }

  test('ends once, with the reason of whoever ended it', () =>
    withServer(
      (socket) => socket.end('bye'),
      async (path) => {
        const heard = listen(await dialSocket({ path }, { signal }));
        expect((await heard.ended).message).toBe('the other side hung up');
        expect(heard.text).toBe('bye');
      },
    ));

  test('whose receiver throws ends with that', () =>
    withServer(
      (socket) => socket.write('x'),
      async (path) => {
        const link = await dialSocket({ path }, { signal });
        const { promise, resolve } = Promise.withResolvers<Error>();
        const reason = new Error('not this');
        link.receiver = {
          received: () => {
            throw reason;
          },
          ended: resolve,
        };
        expect(await promise).toBe(reason);
      },
    ));

  test('that is called off on the way rejects with the reason', async () => {
    const stop = new AbortController();
    const reason = new Error('called off');
    stop.abort(reason);
    await expect(dialSocket({ path: '/no/such/socket' }, { signal: stop.signal })).rejects.toBe(reason);
    await expect(dialSocket({ path: '/no/such/socket' }, { signal })).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

describe('what is written', () => {
  /** A stream that takes each piece only when it is told to. */
  function slow(): { readonly to: Writable; readonly pieces: string[]; readonly take: () => void } {
    const pieces: string[] = [];
    let taken: (() => void) | undefined;
    const to = new Writable({
      highWaterMark: 4,
      write: (chunk: Buffer, _, done) => {
        pieces.push(chunk.toString());
        taken = done;
      },
      writev: (chunks, done) => {
        pieces.push(chunks.map(({ chunk }: { readonly chunk: Buffer }) => chunk.toString()).join(''));
        taken = done;
      },
    });
    return { to, pieces, take: () => taken?.() };
  }

  test('goes together where it can', async () => {
    const { to, pieces } = slow();
    const link = new Link({ from: new PassThrough(), to, destroy: () => to.destroy() });
    for (const piece of ['a', 'b', 'c']) link.write(Buffer.from(piece));
    await expect.poll(() => pieces).toEqual(['abc']);
  });

  test('and one by one where it has to', async () => {
    const { to, pieces, take } = slow();
    const link = new Link({ from: new PassThrough(), to, destroy: () => to.destroy(), isStepwise: true });
    for (const piece of ['a', 'b', 'c']) expect(link.write(Buffer.from(piece))).toBe(false);
    let isDrained = false;
    const drained = link.drained().then(() => (isDrained = true));
    for (const count of [1, 2, 3]) {
      await expect.poll(() => pieces).toHaveLength(count);
      expect(isDrained).toBe(false);
      take();
    }
    await drained;
    expect(pieces).toEqual(['a', 'b', 'c']);
  });
});
