import { calm, expectRefusal } from '@hypersdk/testkit';
import { describe, expect, test } from 'vitest';
import { bytesOf, openLyingServer, type ServerEnd } from './build-libvirt-server.ts';
import { KEEPALIVE_PROGRAM, type Packet, PacketStatus, PacketType } from './packet.ts';
import { procedures, serverError } from './procedures.ts';
import { RpcClient } from './rpc-client.ts';

const { domainOpenConsole } = procedures;
const domain = { name: 'web-01', uuid: '4dea22b3-1d52-d8f3-2516-782e98ab3fa0', id: 3 };
const firstLine = { domain, device: undefined, flags: 0 };
const procedure = domainOpenConsole.number;

/** Answers the call, and does to each packet of the stream what the test says. */
const openChannel = (behave: (packet: Packet, end: ServerEnd) => void) =>
  openLyingServer((packet, end) => {
    if (packet.program === KEEPALIVE_PROGRAM) return undefined;
    return packet.type === PacketType.call ? end.send({ procedure, serial: packet.serial }) : behave(packet, end);
  });

const piece = (text: string) => ({ kind: 'data', bytes: Buffer.from(text) }) as const;

describe('a stream in both directions', () => {
  test('carries what either side says while the other does', async () => {
    await using server = await openChannel(({ serial, payload, status }, end) => {
      if (status === PacketStatus.ok) return end.send({ procedure, serial, type: PacketType.stream });
      return end.send({ procedure, serial, type: PacketType.stream, status: PacketStatus.continue }, Buffer.from(payload).reverse());
    });
    using channel = await server.client.open(domainOpenConsole, firstLine, calm);
    const heard = channel.pieces(calm.signal);
    for (const word of ['stop', 'live', 'star']) {
      await channel.send(piece(word), calm);
      expect(await heard.next()).toMatchObject({ value: { kind: 'data', bytes: Buffer.from([...word].toReversed().join('')) } });
    }
    await channel.finish(calm);
    expect(await heard.next()).toEqual({ done: true, value: undefined });
    expect(server.client.failure).toBeUndefined();
  });

  test('that is let go of is broken off once, and what the server still says harms nobody', async () => {
    const ends: number[] = [];
    await using server = await openChannel(({ serial, status }, end) => {
      ends.push(status);
      end.send({ procedure, serial, type: PacketType.stream, status: PacketStatus.continue }, Buffer.from('late'));
      end.send({ procedure, serial, type: PacketType.stream });
    });
    const channel = await server.client.open(domainOpenConsole, firstLine, calm);
    channel[Symbol.dispose]();
    channel[Symbol.dispose]();
    await expectRefusal(channel.send(piece('x'), calm), 'libvirt/lost');
    (await server.client.open(domainOpenConsole, firstLine, calm))[Symbol.dispose]();
    await expect.poll(() => ends).toEqual([PacketStatus.error, PacketStatus.error]);
    expect(server.client.failure).toBeUndefined();
  });

  test('that the server breaks off takes nothing any more, and says why', async () => {
    const reason = { code: 39, domain: 38, message: 'stream had I/O failure', level: 2 };
    await using server = await openChannel(({ serial }, end) =>
      end.send({ procedure, serial, type: PacketType.stream, status: PacketStatus.error }, bytesOf(serverError, reason)),
    );
    using channel = await server.client.open(domainOpenConsole, firstLine, calm);
    await channel.send(piece('a'), calm);
    const refusal = await expectRefusal(channel.pieces(calm.signal).next(), 'libvirt/failed');
    expect(refusal.message).toContain('stream had I/O failure');
    await expect(channel.send(piece('b'), calm)).rejects.toBe(refusal);
  });
});

describe('a connection that takes nothing any more', () => {
  /** A link into which only so much goes. */
  function openStuckClient(): { readonly client: RpcClient; readonly sent: Buffer[]; answer(bytes: Uint8Array): void; readonly turns: string[] } {
    const sent: Buffer[] = [];
    const turns: string[] = [];
    const link = {
      receiver: { received: (_: Buffer): void => {}, ended: (_: Error): void => {} },
      write: (bytes: Uint8Array): boolean => sent.push(Buffer.from(bytes)) > 0,
      drained: () => new Promise<void>(() => {}),
      pause: () => void turns.push('pause'),
      resume: () => void turns.push('resume'),
      fail: (reason: Error) => link.receiver.ended(reason),
      [Symbol.dispose]: () => link.receiver.ended(new Error('closed')),
    };
    return { client: new RpcClient(link), sent, turns, answer: (bytes) => link.receiver.received(Buffer.from(bytes)) };
  }

  const packetOf = (words: readonly number[], payload: Uint8Array = new Uint8Array(0)): Buffer => {
    const head = Buffer.alloc(28);
    for (const [at, word] of [28 + payload.length, ...words].entries()) head.writeUInt32BE(word, at * 4);
    return Buffer.concat([head, payload]);
  };
  const REMOTE = 0x20008086;

  test('is waited for, until the one who sends is called off', async () => {
    const { client, sent, answer } = openStuckClient();
    const opening = client.open(domainOpenConsole, firstLine, calm);
    answer(packetOf([REMOTE, 1, procedure, PacketType.reply, 1, PacketStatus.ok]));
    const channel = await opening;
    const stop = new AbortController();
    const sending = channel.send({ kind: 'data', bytes: Buffer.alloc(10_000_000) }, { signal: stop.signal });
    const reason = new Error('called off');
    stop.abort(reason);
    await expect(sending).rejects.toBe(reason);
    // The call and one piece: the rest was never given to the connection.
    expect(sent).toHaveLength(2);
    client[Symbol.dispose]();
  });

  test('and is read no further tells the server unasked that there is still somebody', async () => {
    const { client, sent, answer, turns } = openStuckClient();
    const opening = client.open(domainOpenConsole, firstLine, calm);
    answer(packetOf([REMOTE, 1, procedure, PacketType.reply, 1, PacketStatus.ok]));
    await opening;
    const data = packetOf([REMOTE, 1, procedure, PacketType.stream, 1, PacketStatus.continue], Buffer.alloc(1024 * 1024));
    for (let count = 0; count < 8; count += 1) answer(data);
    expect(turns).toEqual(['pause']);
    client.keepAlive({ everyMs: 1 });
    const kinds = (): readonly number[] => sent.filter((bytes) => bytes.readUInt32BE(4) === KEEPALIVE_PROGRAM).map((bytes) => bytes.readUInt32BE(12));
    await expect.poll(() => kinds().length).toBeGreaterThan(20);
    expect(new Set(kinds())).toEqual(new Set([2]));
    expect(client.failure).toBeUndefined();
    client[Symbol.dispose]();
  });
});
