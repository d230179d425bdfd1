// RFC 6143, "The Remote Framebuffer Protocol": as much of a viewer as it takes to be let in.
import { createCipheriv } from 'node:crypto';
import { createConnection, type NetConnectOpts } from 'node:net';
import type { GraphicsTicket } from '@hypersdk/ports';

const PATIENCE_MS = 20_000;
const VERSION = 'RFB 003.008\n';
/** §7.1.2. */
const Security = { none: 1, vnc: 2 } as const;
const CHALLENGE_SIZE = 16;

/** Whether a VNC server lets somebody in who knows this password, or none: it then tells the size of its screen. */
export async function knock({ endpoint }: GraphicsTicket, password: string | undefined): Promise<boolean> {
  const place: NetConnectOpts = endpoint.kind === 'socket' ? { path: endpoint.path } : { host: endpoint.host, port: endpoint.port ?? 0 };
  const socket = createConnection({ ...place, timeout: PATIENCE_MS });
  socket.on('timeout', () => socket.destroy(new Error('The VNC server says nothing.')));
  const bytes = socket[Symbol.asyncIterator]();
  let held = Buffer.alloc(0);
  const take = async (size: number): Promise<Buffer> => {
    while (held.length < size) {
      const next = await bytes.next();
      if (next.done === true) throw new Error('The VNC server hung up.');
      held = Buffer.concat([held, next.value]);
    }
    const taken = held.subarray(0, size);
    held = held.subarray(size);
    return taken;
  };
  try {
    if ((await take(VERSION.length)).toString('latin1') !== VERSION) throw new Error('The VNC server speaks another version.');
    socket.write(VERSION);
    const kinds = [...(await take((await take(1))[0] ?? 0))];
    const kind = password === undefined ? Security.none : Security.vnc;
    if (!kinds.includes(kind)) return false;
    socket.write(Uint8Array.of(kind));
    if (password !== undefined) socket.write(answerTo(await take(CHALLENGE_SIZE), password));
    // §7.1.3: anything else than zero is a refusal.
    if ((await take(4)).readUInt32BE() !== 0) return false;
    socket.write(Uint8Array.of(1));
    const screen = await take(4);
    return screen.readUInt16BE(0) > 0 && screen.readUInt16BE(2) > 0;
  } finally {
    socket.destroy();
  }
}

/** §7.2.2: DES with the password as its key, each byte of it the other way round. Three equal keys make DES of what OpenSSL still has. */
function answerTo(challenge: Buffer, password: string): Buffer {
  const key = Buffer.alloc(8);
  key.set(Buffer.from(password, 'latin1').subarray(0, 8));
  const mirrored = key.map((byte) => Number.parseInt(byte.toString(2).padStart(8, '0').split('').toReversed().join(''), 2));
  const cipher = createCipheriv('des-ede3-ecb', Buffer.concat([mirrored, mirrored, mirrored]), '');
  return cipher.setAutoPadding(false).update(challenge);
}
