import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import type { ErrorCode } from '@hypersdk/domain';
import { encodeOptionReply, encodeSimpleReply } from './encode-reply.ts';
import {
  ALLOCATION_CONTEXT,
  Chunk,
  CHUNK_DONE,
  Command,
  GREETING_MAGIC,
  Information,
  Option,
  OPTION_MAGIC,
  OptionError,
  OptionReply,
  STRUCTURED_REPLY_MAGIC,
} from './protocol.ts';

/** What the client asked. */
export interface Asked {
  readonly command: number;
  readonly cookie: bigint;
  readonly offset: number;
  readonly length: number;
}

/** Where a server leaves the path of honesty; undefined goes on honestly. */
export interface Lie {
  readonly lie: string;
  readonly code: ErrorCode;
  readonly greeting?: Buffer;
  onOption?(option: number): Buffer | 'hang up' | 'say nothing' | undefined;
  onRequest?(asked: Asked): Buffer | 'hang up' | 'say nothing' | undefined;
}

export const SIZE = 1024 * 1024;

/** A server on a port of its own that behaves but for its lie. */
export async function openLiar(lie: Pick<Lie, 'greeting' | 'onOption' | 'onRequest'>): Promise<AsyncDisposable & { readonly port: number }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    void talk(socket, lie).catch(() => socket.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((closed) => server.close(() => closed()));
    },
  };
}

async function talk(socket: Socket, lie: Pick<Lie, 'greeting' | 'onOption' | 'onRequest'>): Promise<void> {
  const read = readerOf(socket);
  const say = (answer: Buffer | 'hang up' | 'say nothing'): void => {
    if (answer === 'hang up') socket.destroy();
    else if (answer !== 'say nothing') socket.write(answer);
  };
  say(lie.greeting ?? greeting());
  await read(4);
  for (let option = 0; option !== Option.go;) {
    const header = await read(16);
    option = header.readUInt32BE(8);
    await read(header.readUInt32BE(12));
    say(lie.onOption?.(option) ?? honestOption(option));
  }
  for (;;) {
    const header = await read(28);
    const asked = {
      command: header.readUInt16BE(6),
      cookie: header.readBigUInt64BE(8),
      offset: Number(header.readBigUInt64BE(16)),
      length: header.readUInt32BE(24),
    };
    say(lie.onRequest?.(asked) ?? honestReply(asked));
  }
}

function readerOf(socket: Socket): (size: number) => Promise<Buffer> {
  return async (size) => {
    if (size === 0) return Buffer.alloc(0);
    for (;;) {
      const bytes: Buffer | null = socket.read(size);
      if (bytes) return bytes;
      await once(socket, 'readable', { signal: AbortSignal.timeout(10_000) });
    }
  };
}

export function greeting(o: { readonly magic?: bigint; readonly style?: bigint; readonly flags?: number } = {}): Buffer {
  const bytes = Buffer.alloc(18);
  bytes.writeBigUInt64BE(o.magic ?? GREETING_MAGIC, 0);
  bytes.writeBigUInt64BE(o.style ?? OPTION_MAGIC, 8);
  bytes.writeUInt16BE(o.flags ?? 3, 16);
  return bytes;
}

export const ack = (option: number): Buffer => encodeOptionReply(option, OptionReply.ack);

export function exportInfo(o: { readonly size?: bigint; readonly flags?: number } = {}): Buffer {
  const bytes = Buffer.alloc(12);
  bytes.writeUInt16BE(Information.export, 0);
  bytes.writeBigUInt64BE(o.size ?? BigInt(SIZE), 2);
  bytes.writeUInt16BE(o.flags ?? 0x0103, 10);
  return encodeOptionReply(Option.go, OptionReply.info, bytes);
}

export function blockSizeInfo(minimum: number, preferred: number, maximum: number): Buffer {
  const bytes = Buffer.alloc(14);
  bytes.writeUInt16BE(Information.blockSize, 0);
  for (const [index, value] of [minimum, preferred, maximum].entries()) bytes.writeUInt32BE(value, 2 + 4 * index);
  return encodeOptionReply(Option.go, OptionReply.info, bytes);
}

export const contextReply = (id: number, name: string): Buffer => {
  const bytes = Buffer.alloc(4 + Buffer.byteLength(name));
  bytes.writeUInt32BE(id, 0);
  bytes.write(name, 4);
  return encodeOptionReply(Option.setMetaContext, OptionReply.metaContext, bytes);
};

function honestOption(option: number): Buffer {
  if (option === Option.extendedHeaders) return encodeOptionReply(option, OptionError.unsupported);
  if (option === Option.setMetaContext) return Buffer.concat([contextReply(7, ALLOCATION_CONTEXT), ack(option)]);
  if (option === Option.go) return Buffer.concat([exportInfo(), ack(option)]);
  return ack(option);
}

/** A chunk with its payload. */
export function chunk(cookie: bigint, type: number, payload: Buffer): Buffer {
  return Buffer.concat([rawChunk({ type, cookie, length: payload.length }), payload]);
}

/** A chunk that others follow. */
export function part(cookie: bigint, type: number, payload: Buffer): Buffer {
  const bytes = chunk(cookie, type, payload);
  bytes.writeUInt16BE(0, 4);
  return bytes;
}

export function at(offset: number | bigint, bytes: Buffer = Buffer.alloc(0)): Buffer {
  const place = Buffer.alloc(8);
  place.writeBigUInt64BE(BigInt(offset));
  return Buffer.concat([place, bytes]);
}

export const words = (...values: readonly number[]): Buffer => {
  const bytes = Buffer.alloc(4 * values.length);
  for (const [index, value] of values.entries()) bytes.writeUInt32BE(value, 4 * index);
  return bytes;
};

export const isRead = ({ command }: Asked): boolean => command === Command.read;
export const isMap = ({ command }: Asked): boolean => command === Command.blockStatus;

function honestReply(asked: Asked): Buffer {
  if (isMap(asked)) return chunk(asked.cookie, Chunk.blockStatus, words(7, asked.length, 0));
  if (isRead(asked)) return chunk(asked.cookie, Chunk.offsetData, at(asked.offset, Buffer.alloc(asked.length, 0x5a)));
  return encodeSimpleReply({ cookie: asked.cookie, offset: 0 }, 0);
}

/** The head of a chunk with any number in every field. */
export function rawChunk(o: { readonly magic?: number; readonly type: number; readonly cookie: bigint; readonly length: number }): Buffer {
  const bytes = Buffer.alloc(20);
  bytes.writeUInt32BE(o.magic ?? STRUCTURED_REPLY_MAGIC, 0);
  bytes.writeUInt16BE(CHUNK_DONE, 4);
  bytes.writeUInt16BE(o.type, 6);
  bytes.writeBigUInt64BE(o.cookie, 8);
  bytes.writeUInt32BE(o.length, 16);
  return bytes;
}
