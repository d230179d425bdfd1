import { bytesOf, resultOf } from '../../packages/providers/src/libvirt/rpc/build-libvirt-server.ts';
import {
  encodePacket,
  KEEPALIVE_PROGRAM,
  type PacketHeader,
  PacketStatus,
  PacketType,
  REMOTE_PROGRAM,
} from '../../packages/providers/src/libvirt/rpc/packet.ts';
import { events, procedures, serverError, streamHole } from '../../packages/providers/src/libvirt/rpc/procedures.ts';
import { RpcClient } from '../../packages/providers/src/libvirt/rpc/rpc-client.ts';
import type { LinkReceiver } from '@hypersdk/wire';
import type { FuzzReader } from '../engine/fuzz-reader.ts';
import { sampleOf, type Sample } from '../engine/sample.ts';

const { signal } = new AbortController();
const domain = { name: 'web-01', uuid: '4dea22b3-1d52-d8f3-2516-782e98ab3fa0', id: 3 };
const volume = { pool: 'default', name: 'web-01.qcow2', key: '/images/web-01.qcow2' };
/** Most damage leaves the lengths of packets right: otherwise little would be read behind the first of them. */
const MENDED_OF_TEN = 8;

/** A server that lies to our libvirt client: answers to four calls, an event, a sign of life, and a download. */
export const libvirtRpcReader: FuzzReader = { changes: 'bytes', seeds, mend, execute: (sample) => converse(sample) };

/** A link whose other side says what the sample says. */
class TapeLink implements Disposable {
  receiver: LinkReceiver = { received: () => {}, ended: () => {} };
  #isOver = false;

  say(bytes: Buffer): void {
    if (this.#isOver) return;
    try {
      this.receiver.received(bytes);
    } catch (error) {
      this.fail(error instanceof Error ? error : new Error(String(error)));
    }
  }

  fail(reason: Error): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.receiver.ended(reason);
  }

  write(): boolean {
    return true;
  }

  async drained(): Promise<void> {}
  pause(): void {}
  resume(): void {}

  [Symbol.dispose](): void {
    this.fail(new Error('closed'));
  }
}

async function converse({ files }: Sample): Promise<void> {
  const link = new TapeLink();
  const client = new RpcClient(link);
  const { listAllDomains, getAllDomainStats, domainGetXml, domainEventRegister, volumeDownload } = procedures;
  for (const name of ['lifecycle', 'jobCompleted', 'blockJob'] as const) client.listen(name, () => {});
  const asked: Promise<unknown>[] = [
    client.call(listAllDomains, { needsResults: 1, flags: 0 }, { signal }),
    client.call(getAllDomainStats, { domains: [domain], stats: 33, flags: 0 }, { signal }),
    client.call(domainGetXml, { domain, flags: 0 }, { signal }),
    client.call(domainEventRegister, { eventId: 0, domain: undefined }, { signal }),
    Array.fromAsync(client.download(volumeDownload, { volume, offset: 0n, length: 0n, flags: 0 }, { signal })),
  ];
  const settled = Promise.allSettled(asked);
  for (const file of files) {
    link.say(Buffer.from(file.toBytes()));
    await Promise.resolve();
  }
  // The reader of the stream takes its pieces before the line ends.
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
  client[Symbol.dispose]();
  for (const one of await settled) if (one.status === 'rejected') throw one.reason;
}

/** The first word of a packet is its length. */
function mend({ files }: Sample, { random }: Parameters<NonNullable<FuzzReader['mend']>>[1]): void {
  if (random.below(10) >= MENDED_OF_TEN) return;
  for (const file of files) {
    if (file.size < 4) continue;
    const word = Buffer.alloc(4);
    word.writeUInt32BE(file.size);
    file.write(0, word);
  }
}

function seeds(): readonly Sample[] {
  const { listAllDomains, getAllDomainStats, domainGetXml, domainEventRegister, volumeDownload } = procedures;
  const packet = (header: Partial<PacketHeader>, payload: Uint8Array = new Uint8Array(0)): Buffer =>
    encodePacket({ program: REMOTE_PROGRAM, procedure: 0, type: PacketType.reply, serial: 0, status: PacketStatus.ok, ...header }, payload);
  const params = [
    { field: 'state.state', value: 1 },
    { field: 'block.count', value: 1n },
    { field: 'block.0.name', value: 'vda' },
    { field: 'block.0.capacity', value: 2n ** 40n },
    { field: 'isThere', value: true },
  ];
  const answers = [
    packet({ procedure: listAllDomains.number, serial: 1 }, resultOf(listAllDomains, { domains: [domain, { ...domain, name: 'db-01' }], count: 2 })),
    packet({ procedure: getAllDomainStats.number, serial: 2 }, resultOf(getAllDomainStats, { records: [{ domain, params }] })),
    packet({ procedure: domainGetXml.number, serial: 3 }, resultOf(domainGetXml, { xml: '<domain><name>web-01</name></domain>' })),
    packet({ procedure: domainEventRegister.number, serial: 4 }, resultOf(domainEventRegister, { callbackId: 1 })),
  ];
  const told = [
    packet(
      { procedure: events.lifecycle.procedure, type: PacketType.event },
      bytesOf(events.lifecycle.message, { callbackId: 1, domain, event: 2, detail: 0 }),
    ),
    packet(
      { procedure: events.jobCompleted.procedure, type: PacketType.event },
      bytesOf(events.jobCompleted.message, { callbackId: 2, domain, params }),
    ),
    packet(
      { procedure: events.blockJob.procedure, type: PacketType.event },
      bytesOf(events.blockJob.message, { callbackId: 3, domain, disk: 'vda', type: 4, status: 3 }),
    ),
    packet({ program: KEEPALIVE_PROGRAM, procedure: 1, type: PacketType.event }),
    packet({ program: KEEPALIVE_PROGRAM, procedure: 2, type: PacketType.event }),
  ];
  const stream = { procedure: volumeDownload.number, serial: 5, type: PacketType.stream, status: PacketStatus.continue };
  const download = [
    packet({ procedure: volumeDownload.number, serial: 5 }),
    packet(stream, Buffer.alloc(300, 7)),
    packet({ ...stream, type: PacketType.streamHole }, bytesOf(streamHole, { length: 4096n, flags: 0 })),
    packet(stream),
    packet({ ...stream, status: PacketStatus.ok }),
  ];
  const refusal = bytesOf(serverError, { code: 42, domain: 10, message: 'Domain not found', level: 2 });
  const refusals = answers.map((_, at) => packet({ procedure: [273, 344, 14, 316][at] ?? 0, serial: at + 1, status: PacketStatus.error }, refusal));
  return [
    tape(...answers, ...told, ...download),
    tape(Buffer.concat([...told, ...answers.toReversed(), ...download])),
    tape(...refusals, ...told, ...download.slice(0, 2), packet({ ...stream, status: PacketStatus.error }, refusal)),
  ];
}

const tape = (...pieces: readonly Uint8Array[]): Sample => sampleOf(Object.fromEntries(pieces.map((piece, index) => [`piece ${index}`, piece])));
