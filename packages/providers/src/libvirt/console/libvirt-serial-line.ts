import { HyperError } from '@hypersdk/domain';
import type { Cancel, SerialLine } from '@hypersdk/ports';
import type { LibvirtConnection } from '../libvirt-connection.ts';
import { type Domain, procedures } from '../rpc/procedures.ts';
import { isRefusal, ServerCode } from '../rpc/server-error.ts';
import type { StreamChannel } from '../rpc/stream-channel.ts';
import { DomainState } from '../to-vm.ts';

/** libvirt, `virDomainConsoleFlags`. */
const CONSOLE_FLAGS = { 'take-over': 1, refuse: 2 } as const;
const STOPPED: readonly number[] = [DomainState.off, DomainState.crashed, DomainState.shutdown];

interface SerialWish extends Cancel {
  readonly domain: Domain;
  /** The alias of the device. */
  readonly line: string;
  readonly whenHeld: keyof typeof CONSOLE_FLAGS;
  /** Called when the line is let go of. */
  readonly onRelease: () => void;
}

/**
 * A console of libvirt, on a connection of its own: libvirt stops reading a whole connection while a guest does not take what came for it, and this side
 * does when nobody takes what the guest says. Neither is to hold anything else up.
 */
export class LibvirtSerialLine implements SerialLine {
  readonly #connection: LibvirtConnection;
  readonly #channel: StreamChannel<unknown>;
  readonly #domain: Domain;
  readonly #line: string;
  readonly #onRelease: () => void;
  #isReleased = false;

  private constructor(
    connection: LibvirtConnection,
    channel: StreamChannel<unknown>,
    { domain, line, onRelease }: Pick<SerialWish, 'domain' | 'line' | 'onRelease'>,
  ) {
    this.#connection = connection;
    this.#channel = channel;
    this.#domain = domain;
    this.#line = line;
    this.#onRelease = onRelease;
  }

  /** Takes the connection over, and closes it if nothing comes of it. */
  static async open(connection: LibvirtConnection, { domain, line, whenHeld, onRelease, signal }: SerialWish): Promise<LibvirtSerialLine> {
    try {
      const request = { domain, device: line, flags: CONSOLE_FLAGS[whenHeld] };
      const channel = await connection.client.open(procedures.domainOpenConsole, request, { signal });
      return new LibvirtSerialLine(connection, channel, { domain, line, onRelease });
    } catch (error) {
      await connection[Symbol.asyncDispose]();
      // The one number for a session that there is, a lock of another program, and a port that is not there yet; the words tell which.
      if (isRefusal(error, ServerCode.operationFailed))
        throw new HyperError('console/in-use', `The serial line ${line} of ${domain.name} is held by somebody: ${error.message}`, { cause: error });
      throw error;
    }
  }

  async *received({ signal }: Cancel): AsyncGenerator<Uint8Array> {
    try {
      for await (const piece of this.#channel.pieces(signal)) if (piece.kind === 'data') yield piece.bytes;
    } catch (error) {
      signal.throwIfAborted();
      if (this.#isReleased) return;
      if (!isRefusal(error, ServerCode.rpc)) throw error;
      if (await this.#isStopped({ signal })) return;
      throw new HyperError('console/in-use', `The serial line ${this.#line} of ${this.#domain.name} was taken over by somebody.`, { cause: error });
    }
  }

  async send(bytes: Uint8Array, o: Cancel): Promise<void> {
    await this.#channel.send({ kind: 'data', bytes }, o);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isReleased = true;
    this.#onRelease();
    this.#channel[Symbol.dispose]();
    // The farewell is answered after the line was let go of, so that whoever waits for it finds it free.
    await this.#connection[Symbol.asyncDispose]();
  }

  async #isStopped(o: Cancel): Promise<boolean> {
    try {
      const { state } = await this.#connection.client.call(procedures.domainGetState, { domain: this.#domain, flags: 0 }, o);
      return STOPPED.includes(state);
    } catch (error) {
      if (isRefusal(error, ServerCode.noDomain)) return true;
      throw error;
    }
  }
}
