import { setTimeout as delay } from 'node:timers/promises';
import { calm, expectRefusal } from '@hypersdk/testkit';
import { describe, expect, test } from 'vitest';
import { bytesOf, openLyingServer, resultOf, type ServerEnd } from './build-libvirt-server.ts';
import { KEEPALIVE_PROGRAM, type Packet, PacketStatus, PacketType } from './packet.ts';
import { events, procedures, serverError, streamHole } from './procedures.ts';
import type { StreamPiece } from './rpc-stream.ts';

const { getHostname, getLibVersion, domainLookupByUuid, volumeDownload, volumeUpload } = procedures;
const volume = { pool: 'p', name: 'v', key: '/v' };
const wholeVolume = { volume, offset: 0n, length: 0n, flags: 0 };
const UUID = '4dea22b3-1d52-d8f3-2516-782e98ab3fa0';
const domain = { name: 'web-01', uuid: UUID, id: 3 };

const answerHost = ({ procedure, serial }: Packet, end: ServerEnd): void =>
  end.send({ procedure, serial }, resultOf(getHostname, { hostname: `host-${serial}` }));

describe('calls', () => {
  test('many at once are matched by their serial, whatever the order of the answers', async () => {
    const held: Packet[] = [];
    await using server = await openLyingServer((packet, end) => {
      held.push(packet);
      if (held.length === 50) for (const one of held.toReversed()) answerHost(one, end);
    });
    const answers = await Promise.all(Array.from({ length: 50 }, () => server.client.call(getHostname, {}, calm)));
    expect(answers.map(({ hostname }) => hostname)).toEqual(Array.from({ length: 50 }, (_, at) => `host-${at + 1}`));
  });

  test('what a newer server adds behind an answer is not minded', async () => {
    await using server = await openLyingServer(({ procedure, serial }, end) =>
      end.send({ procedure, serial }, Buffer.concat([resultOf(getHostname, { hostname: 'a' }), Buffer.alloc(400)])),
    );
    expect(await server.client.call(getHostname, {}, calm)).toEqual({ hostname: 'a' });
  });

  test("a refusal has the server's words, without what a terminal would obey", async () => {
    const error = { code: 42, domain: 10, message: 'Domain not found: \u001b[31mno\nsuch', level: 2 };
    await using server = await openLyingServer(({ procedure, serial }, end) =>
      end.send({ procedure, serial, status: PacketStatus.error }, bytesOf(serverError, error)),
    );
    const refusal = await expectRefusal(server.client.call(domainLookupByUuid, { uuid: UUID }, calm), 'vm/not-found');
    expect(refusal.message).toContain('Domain not found: [31mno such');
    expect(refusal.detail).toMatchObject({ libvirtCode: 42 });
    expect(server.client.failure).toBeUndefined();
  });

  test('a call that is called off rejects with the reason, and its late answer harms nobody', async () => {
    const held: Packet[] = [];
    await using server = await openLyingServer((packet, end) => {
      held.push(packet);
      if (held.length === 2) for (const one of held) answerHost(one, end);
    });
    const stop = new AbortController();
    const reason = new Error('called off');
    const first = server.client.call(getHostname, {}, { signal: stop.signal });
    stop.abort(reason);
    await expect(first).rejects.toBe(reason);
    expect(await server.client.call(getHostname, {}, calm)).toEqual({ hostname: 'host-2' });
  });

  test('when the server hangs up, every call fails with the reason', async () => {
    let count = 0;
    await using server = await openLyingServer((_, end) => {
      count += 1;
      if (count === 3) end.hangUp();
    });
    const calls = [getHostname, getHostname, getHostname].map((procedure) => server.client.call(procedure, {}, calm));
    for (const call of calls) await expectRefusal(call, 'libvirt/lost');
    await expectRefusal(server.client.call(getHostname, {}, calm), 'libvirt/lost');
  });
});

describe('a server that breaks the protocol', () => {
  const lies: readonly (readonly [what: string, why: RegExp, lie: (packet: Packet, end: ServerEnd) => void])[] = [
    ['answers a call that was not made', /answers call 77/, ({ procedure }, end) => end.send({ procedure, serial: 77 })],
    ['answers as another procedure', /as procedure 1\b/, ({ serial }, end) => end.send({ procedure: 1, serial })],
    ['answers neither well nor badly', /with status 2/, ({ procedure, serial }, end) => end.send({ procedure, serial, status: 2 })],
    ['calls its client', /type 0/, ({ procedure, serial }, end) => end.send({ procedure, serial, type: PacketType.call })],
    ['sends file descriptors', /type 5/, ({ procedure, serial }, end) => end.send({ procedure, serial, type: PacketType.replyWithFds })],
    ['speaks for another program', /program 1\b/, ({ procedure, serial }, end) => end.send({ program: 1, procedure, serial })],
    [
      'sends to a stream that is not open',
      /stream 9/,
      ({ procedure }, end) => end.send({ procedure, serial: 9, type: PacketType.stream, status: 2 }),
    ],
    [
      'gives a sign of life that there is not',
      /sign of life 3/,
      (_, end) => end.send({ program: KEEPALIVE_PROGRAM, procedure: 3, type: PacketType.event }),
    ],
    ['speaks HTTP', /a packet of 1213486160 bytes/, (_, end) => end.sendRaw(Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'))],
    [
      'refuses without an error',
      /that is none/,
      ({ procedure, serial }, end) =>
        end.send({ procedure, serial, status: 1 }, bytesOf(serverError, { code: 0, domain: 0, message: undefined, level: 0 })),
    ],
  ];
  test.each(lies)('and %s is told to', async (_, why, lie) => {
    await using server = await openLyingServer(lie);
    const refusal = await expectRefusal(server.client.call(getHostname, {}, calm), 'libvirt/malformed-reply');
    expect(refusal.message).toMatch(why);
    await expectRefusal(server.client.call(getLibVersion, {}, calm), 'libvirt/malformed-reply');
  });

  test('an answer that is cut short fails its call alone', async () => {
    await using server = await openLyingServer(({ procedure, serial }, end) => end.send({ procedure, serial }, Buffer.from([0, 0, 0, 9])));
    await expectRefusal(server.client.call(getHostname, {}, calm), 'libvirt/malformed-reply');
  });
});

describe('signs of life', () => {
  test('every question of the server is answered', async () => {
    const pong = Promise.withResolvers<Packet>();
    await using server = await openLyingServer((packet, end) => {
      if (packet.program === KEEPALIVE_PROGRAM) pong.resolve(packet);
      else end.send({ program: KEEPALIVE_PROGRAM, procedure: 1, type: PacketType.event });
    });
    server.client.call(getHostname, {}, calm).catch(() => {});
    expect(await pong.promise).toMatchObject({ program: KEEPALIVE_PROGRAM, procedure: 2, type: 2, serial: 0 });
  });

  test('a server that gives none is not waited for', async () => {
    await using server = await openLyingServer(() => {});
    server.client.keepAlive({ everyMs: 10 });
    const refusal = await expectRefusal(server.client.call(getHostname, {}, calm), 'libvirt/lost');
    expect(refusal.message).toContain('no sign of life');
  });

  test('a server that gives some is waited for', async () => {
    await using server = await openLyingServer((packet, end) => {
      if (packet.program === KEEPALIVE_PROGRAM) end.send({ program: KEEPALIVE_PROGRAM, procedure: 2, type: PacketType.event });
      else void delay(200).then(() => answerHost(packet, end));
    });
    server.client.keepAlive({ everyMs: 10 });
    expect(await server.client.call(getHostname, {}, calm)).toEqual({ hostname: 'host-1' });
  });
});

describe('events', () => {
  test('go to who listens, also those that come with the answer to the question for them', async () => {
    const message = { callbackId: 1, domain, event: 4, detail: 0 };
    await using server = await openLyingServer(({ procedure, serial }, end) => {
      end.send({ procedure, serial }, resultOf(procedures.domainEventRegister, { callbackId: 1 }));
      end.send({ procedure: events.lifecycle.procedure, type: PacketType.event, serial: 900 }, bytesOf(events.lifecycle.message, message));
      end.send({ procedure: 320, type: PacketType.event }, Buffer.alloc(20));
    });
    const told: unknown[] = [];
    server.client.listen('lifecycle', (heard) => told.push(heard));
    await server.client.call(procedures.domainEventRegister, { eventId: 0, domain: undefined }, calm);
    await expect.poll(() => told).toEqual([message]);
    expect(server.client.failure).toBeUndefined();
  });

  test('an event that is cut short ends the connection', async () => {
    await using server = await openLyingServer((_, end) => end.send({ procedure: 318, type: PacketType.event }, Buffer.alloc(6)));
    server.client.listen('lifecycle', () => {});
    await expectRefusal(server.client.call(getHostname, {}, calm), 'libvirt/malformed-reply');
  });
});

describe('streams', () => {
  const stream = { procedure: volumeDownload.number, type: PacketType.stream } as const;

  test('a download is what the server sends, holes too, and is confirmed', async () => {
    await using server = await openLyingServer(({ serial, type }, end) => {
      if (type === PacketType.stream) return end.send({ ...stream, serial });
      end.send({ procedure: stream.procedure, serial });
      end.send({ ...stream, serial, status: 2 }, Buffer.from('abc'));
      end.send({ ...stream, serial, type: PacketType.streamHole, status: 2 }, bytesOf(streamHole, { length: 2n ** 40n, flags: 0 }));
      return end.send({ ...stream, serial, status: 2 });
    });
    const pieces = await Array.fromAsync(server.client.download(volumeDownload, wholeVolume, calm));
    expect(pieces).toEqual([
      { kind: 'data', bytes: Buffer.from('abc') },
      { kind: 'hole', length: 2 ** 40 },
    ]);
  });

  test('a download that is left is broken off, and the connection goes on', async () => {
    const ends: number[] = [];
    await using server = await openLyingServer(({ procedure, serial, type, status }, end) => {
      if (procedure === getHostname.number) return answerHost({ procedure, serial } as Packet, end);
      if (type === PacketType.stream) {
        ends.push(status);
        return end.send({ ...stream, serial });
      }
      end.send({ procedure, serial });
      for (let count = 0; count < 100; count += 1) end.send({ ...stream, serial, status: 2 }, Buffer.alloc(200_000));
      return undefined;
    });
    for await (const piece of server.client.download(volumeDownload, wholeVolume, calm)) {
      expect(piece.kind).toBe('data');
      break;
    }
    expect(await server.client.call(getHostname, {}, calm)).toEqual({ hostname: 'host-2' });
    expect(ends).toEqual([PacketStatus.error]);
  });

  test('an error of the server in the middle ends a download with it', async () => {
    await using server = await openLyingServer(({ procedure, serial }, end) => {
      end.send({ procedure, serial });
      end.send({ ...stream, serial, status: 1 }, bytesOf(serverError, { code: 38, domain: 0, message: 'cannot read: Input/output error', level: 2 }));
    });
    const refusal = await expectRefusal(Array.fromAsync(server.client.download(volumeDownload, wholeVolume, calm)), 'libvirt/failed');
    expect(refusal.message).toContain('Input/output error');
  });

  test('an upload arrives in pieces that every server takes, and is confirmed', async () => {
    const received: Buffer[] = [];
    const holes: string[] = [];
    await using server = await openLyingServer(({ procedure, serial, type, status, payload }, end) => {
      if (type === PacketType.call) return end.send({ procedure, serial });
      if (type === PacketType.streamHole) holes.push(Buffer.from(payload).toString('hex'));
      else if (status === PacketStatus.continue) received.push(Buffer.from(payload));
      else end.send({ procedure, serial, type: PacketType.stream });
      return undefined;
    });
    const bytes = Buffer.from(Array.from({ length: 600_000 }, (_, at) => at % 251));
    await server.client.upload(volumeUpload, wholeVolume, {
      ...calm,
      pieces: piecesOf([
        { kind: 'data', bytes },
        { kind: 'hole', length: 4096 },
      ]),
    });
    expect(Math.max(...received.map(({ length }) => length))).toBeLessThanOrEqual(262_120);
    expect(Buffer.concat(received).equals(bytes)).toBe(true);
    expect(holes).toEqual(['000000000000100000000000']);
  });

  test('an upload whose source fails is broken off, and fails with its reason', async () => {
    const ends: number[] = [];
    await using server = await openLyingServer(({ procedure, serial, type, status }, end) => {
      if (type === PacketType.call) return end.send({ procedure, serial });
      if (status !== PacketStatus.continue) ends.push(status);
      return undefined;
    });
    const reason = new Error('the disk is gone');
    const pieces = (async function* (): AsyncGenerator<StreamPiece> {
      yield { kind: 'data', bytes: Buffer.alloc(10) };
      throw reason;
    })();
    await expect(server.client.upload(volumeUpload, wholeVolume, { ...calm, pieces })).rejects.toBe(reason);
    await expect.poll(() => ends).toEqual([PacketStatus.error]);
  });

  async function* piecesOf(pieces: readonly StreamPiece[]): AsyncGenerator<StreamPiece> {
    yield* pieces;
  }
});
