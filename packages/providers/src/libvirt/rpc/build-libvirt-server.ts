import { createServer, type Socket } from 'node:net';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dialSocket } from '@hypersdk/wire';
import { encodePacket, type Packet, PacketCutter, PacketStatus, PacketType, REMOTE_PROGRAM } from './packet.ts';
import type { Procedure } from './procedures.ts';
import { RpcClient } from './rpc-client.ts';
import type { ValueOf } from './shapes.ts';
import { XdrWriter } from './xdr-writer.ts';

export interface ServerEnd {
  send(header: Partial<Packet> & Pick<Packet, 'procedure'>, payload?: Uint8Array): void;
  sendRaw(bytes: Uint8Array): void;
  hangUp(): void;
}

/** A server that does to each packet what the test says, over a real socket; and a client of it. */
export async function openLyingServer(behave: (packet: Packet, end: ServerEnd) => void): Promise<{ readonly client: RpcClient } & AsyncDisposable> {
  const folder = mkdtempSync(join(tmpdir(), 'hypersdk-rpc-'));
  const path = join(folder, 'socket');
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    const cutter = new PacketCutter();
    const end: ServerEnd = {
      send: ({ program = REMOTE_PROGRAM, procedure, type = PacketType.reply, serial = 0, status = PacketStatus.ok }, payload = new Uint8Array(0)) =>
        socket.write(encodePacket({ program, procedure, type, serial, status }, payload)),
      sendRaw: (bytes) => socket.write(bytes),
      hangUp: () => socket.destroy(),
    };
    socket.on('data', (bytes: Buffer) => {
      for (const packet of cutter.cut(bytes)) behave(packet, end);
    });
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const client = new RpcClient(await dialSocket({ path }, { signal: AbortSignal.timeout(5000) }));
  return {
    client,
    [Symbol.asyncDispose]: async () => {
      client[Symbol.dispose]();
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
      rmSync(folder, { recursive: true });
    },
  };
}

/** The bytes of a result. */
export function resultOf<Args, Result>({ result }: Procedure<Args, Result>, value: Result): Buffer {
  const writer = new XdrWriter();
  result.write(writer, value);
  return writer.written;
}

export function bytesOf<S extends { write(to: XdrWriter, value: never): void }>(shape: S, value: ValueOf<S>): Buffer {
  const writer = new XdrWriter();
  const { write }: { write(to: XdrWriter, value: unknown): void } = shape;
  write(writer, value);
  return writer.written;
}
