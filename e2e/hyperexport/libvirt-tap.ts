import { createConnection, createServer, type Socket } from 'node:net';

/** What of a conversation with libvirt is waited for. */
export interface Moment {
  /** The number of the procedure in libvirt's remote protocol. */
  readonly procedure: number;
  /** The how many-th call of it since the tap was armed. */
  readonly count: number;
  /** Before the server hears of it, or after it was done and before the client hears of that. */
  readonly when: 'before' | 'after';
}

/** libvirt, "RPC infrastructure": length, program, version, procedure, type, serial, status. */
const HEADER_SIZE = 28;
const CALL = 0;
const REPLY = 1;

/** Stands between a client and the socket of a daemon, and does something at a moment of their conversation, while that stands still. */
export class LibvirtTap implements AsyncDisposable {
  readonly path: string;
  readonly #server;
  readonly #behind: string;
  readonly #sockets = new Set<Socket>();
  #armed: { readonly moment: Moment; readonly act: () => Promise<void>; seen: number; serial?: number } | undefined;

  constructor(o: { readonly path: string; readonly behind: string }) {
    this.path = o.path;
    this.#behind = o.behind;
    this.#server = createServer((client) => this.#join(client)).listen(o.path);
  }

  arm(moment: Moment, act: () => Promise<void>): void {
    this.#armed = { moment, act, seen: 0 };
  }

  /** Whether the moment has not come. */
  disarm(): boolean {
    const wasArmed = this.#armed !== undefined;
    this.#armed = undefined;
    return wasArmed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #join(client: Socket): void {
    const daemon = createConnection(this.#behind);
    for (const [one, other] of [
      [client, daemon],
      [daemon, client],
    ] as const) {
      this.#sockets.add(one);
      one
        .on('error', () => one.destroy())
        .on('close', () => {
          this.#sockets.delete(one);
          other.destroy();
        });
    }
    void this.#carry(client, daemon, 'before');
    void this.#carry(daemon, client, 'after');
  }

  async #carry(from: Socket, to: Socket, when: Moment['when']): Promise<void> {
    let held = Buffer.alloc(0);
    try {
      for await (const bytes of from) {
        held = Buffer.concat([held, bytes as Buffer]);
        while (held.length >= 4 && held.length >= held.readUInt32BE(0)) {
          const packet = held.subarray(0, held.readUInt32BE(0));
          held = held.subarray(packet.length);
          if (packet.length >= HEADER_SIZE) await this.#look(packet, when);
          if (!to.destroyed) to.write(packet);
        }
      }
    } catch {
      // Either side went away, which the other hears of.
    }
  }

  async #look(packet: Buffer, when: Moment['when']): Promise<void> {
    const armed = this.#armed;
    if (!armed) return;
    const [procedure, type, serial] = [packet.readInt32BE(12), packet.readInt32BE(16), packet.readUInt32BE(20)];
    if (procedure !== armed.moment.procedure) return;
    if (type === CALL && when === 'before') {
      armed.seen += 1;
      if (armed.seen !== armed.moment.count) return;
      armed.serial = serial;
    }
    const isDue = armed.moment.when === when && armed.serial === serial && (type === CALL || type === REPLY);
    if (!isDue) return;
    this.#armed = undefined;
    await armed.act();
  }
}
