// libvirt, "RPC infrastructure": a packet is its length, a header of six words, and a payload.
import { malformed } from './refusals.ts';

export const REMOTE_PROGRAM = 0x20008086;
/** What only QEMU's driver understands; libvirt, src/remote/qemu_protocol.x. */
export const QEMU_PROGRAM = 0x20008087;
export const KEEPALIVE_PROGRAM = 0x6b656570;
const PROTOCOL_VERSION = 1;
/** VIR_NET_MESSAGE_MAX with the word of the length: more in one packet ends the connection. */
const PACKET_SIZE_MAX = 4 + 32 * 1024 * 1024;
const HEADER_SIZE = 28;

export const PacketType = { call: 0, reply: 1, event: 2, stream: 3, callWithFds: 4, replyWithFds: 5, streamHole: 6 } as const;
export const PacketStatus = { ok: 0, error: 1, continue: 2 } as const;

export interface PacketHeader {
  readonly program: number;
  readonly procedure: number;
  readonly type: number;
  readonly serial: number;
  readonly status: number;
}

export interface Packet extends PacketHeader {
  readonly payload: Uint8Array;
}

export function encodePacket(header: PacketHeader, payload: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(HEADER_SIZE + payload.length);
  const words = [bytes.length, header.program, PROTOCOL_VERSION, header.procedure, header.type, header.serial, header.status];
  for (const [index, word] of words.entries()) bytes.writeUInt32BE(word, index * 4);
  bytes.set(payload, HEADER_SIZE);
  return bytes;
}

/** A whole packet, its length checked. */
function decodePacket(bytes: Buffer): Packet {
  const version = bytes.readUInt32BE(8);
  if (version !== PROTOCOL_VERSION) throw malformed(`speaks version ${version} of the protocol, not ${PROTOCOL_VERSION}`);
  return {
    program: bytes.readUInt32BE(4),
    procedure: bytes.readInt32BE(12),
    type: bytes.readUInt32BE(16),
    serial: bytes.readUInt32BE(20),
    status: bytes.readUInt32BE(24),
    payload: bytes.subarray(HEADER_SIZE),
  };
}

/** Cuts a stream of bytes into packets. What it holds is never more than was received. */
export class PacketCutter {
  #held: Buffer[] = [];
  #heldSize = 0;
  /** Size of the packet that is being received, once its first word is there. */
  #wanted: number | undefined;

  *cut(bytes: Buffer): Generator<Packet> {
    this.#held.push(bytes);
    this.#heldSize += bytes.length;
    for (;;) {
      this.#wanted ??= this.#readSize();
      if (this.#wanted === undefined || this.#heldSize < this.#wanted) return;
      const all = this.#joined();
      const packet = all.subarray(0, this.#wanted);
      this.#keep(all.subarray(this.#wanted));
      this.#wanted = undefined;
      yield decodePacket(packet);
    }
  }

  #readSize(): number | undefined {
    if (this.#heldSize < 4) return undefined;
    const size = this.#joined().readUInt32BE(0);
    if (size < HEADER_SIZE || size > PACKET_SIZE_MAX) throw malformed(`announces a packet of ${size} bytes`);
    return size;
  }

  #joined(): Buffer {
    const [first] = this.#held;
    if (this.#held.length === 1 && first) return first;
    const all = Buffer.concat(this.#held, this.#heldSize);
    this.#held = [all];
    return all;
  }

  #keep(rest: Buffer): void {
    this.#held = rest.length === 0 ? [] : [rest];
    this.#heldSize = rest.length;
  }
}
