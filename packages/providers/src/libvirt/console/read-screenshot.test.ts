import { calm, expectRefusal } from '@hypersdk/testkit';
import { toPng } from '@hypersdk/wire';
import { expect, test } from 'vitest';
import { openLyingServer, resultOf } from '../rpc/build-libvirt-server.ts';
import { PacketStatus, PacketType } from '../rpc/packet.ts';
import { procedures } from '../rpc/procedures.ts';
import { readScreenshot } from './read-screenshot.ts';

const { domainScreenshot } = procedures;
const procedure = domainScreenshot.number;
const domain = { name: 'web-01', uuid: '4dea22b3-1d52-d8f3-2516-782e98ab3fa0', id: 3 };
const picture = { width: 2, height: 1, pixels: Uint8Array.from([1, 2, 3, 4, 5, 6]) };

/** A server whose screens are sent in these pieces. */
const openServer = (pieces: Iterable<Uint8Array>, mediaType = 'image/png') =>
  openLyingServer(({ serial, type, status }, end) => {
    const stream = { procedure, serial, type: PacketType.stream } as const;
    if (type === PacketType.stream) return status === PacketStatus.ok ? end.send(stream) : undefined;
    end.send({ procedure, serial }, resultOf(domainScreenshot, { mediaType }));
    for (const piece of pieces) end.send({ ...stream, status: PacketStatus.continue }, piece);
    return end.send({ ...stream, status: PacketStatus.continue });
  });

test('a PNG is handed on as it came', async () => {
  const png = toPng(picture);
  await using server = await openServer([png.subarray(0, 20), png.subarray(20)]);
  expect(await readScreenshot(server.client, domain, calm)).toEqual({ mediaType: 'image/png', width: 2, height: 1, bytes: Buffer.from(png) });
});

test('a pixmap becomes a PNG, whatever the server calls it', async () => {
  const ppm = Buffer.concat([Buffer.from('P6\n2 1\n255\n'), picture.pixels]);
  for (const mediaType of ['image/x-portable-pixmap', 'text/html']) {
    await using server = await openServer([ppm], mediaType);
    expect(await readScreenshot(server.client, domain, calm)).toEqual({ mediaType: 'image/png', width: 2, height: 1, bytes: toPng(picture) });
  }
});

test.each([
  ['neither', Buffer.from('<html><script>alert(1)</script></html>')],
  ['cut short', toPng(picture).subarray(0, -1)],
  ['empty', new Uint8Array(0)],
])('what is %s is not handed on', async (_, bytes) => {
  await using server = await openServer(bytes.length > 0 ? [bytes] : []);
  await expectRefusal(readScreenshot(server.client, domain, calm), 'libvirt/malformed-reply');
});

test('a picture without end is not waited for, and the connection goes on', async () => {
  const mebibyte = Buffer.alloc(1024 * 1024);
  await using server = await openServer(Array.from({ length: 70 }, () => mebibyte));
  const refusal = await expectRefusal(readScreenshot(server.client, domain, calm), 'libvirt/malformed-reply');
  expect(refusal.message).toContain('more than 67108864 bytes');
  expect(server.client.failure).toBeUndefined();
});
