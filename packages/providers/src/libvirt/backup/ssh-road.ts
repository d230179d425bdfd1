import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { HyperError, systemCode } from '@hypersdk/domain';
import type { Cancel } from '@hypersdk/ports';
import { dialProgram, dialSocket, type Link } from '@hypersdk/wire';
import type { SshTransport } from '../libvirt-uri.ts';
import { explainSsh } from '../open-ssh-link.ts';
import type { Reach } from './open-road.ts';
import { sshOptions } from '../ssh-options.ts';

/** ssh has logged in and listens within this time, or says why not. */
const OPEN_MS = 30_000;
const PAUSE_MS = 50;
/** A forwarding that broke is made anew: as long as readers of the disk try to come back. */
const RETRIES_MAX = 10;
const RETRY_PAUSE_MS = 1000;
/** Colons and percent signs mean something in what ssh is told to forward. */
const PLAIN_PATH = /^[\w/.+@-]+$/;

/** A socket at the other machine, reached through a forwarding of ssh for as long as it is not disposed of. Only this user can use the socket here. */
export class SshRoad implements AsyncDisposable {
  readonly path: string;
  readonly #transport: SshTransport;
  readonly #socket: string;
  readonly #stop = new AbortController();
  #link: Link | undefined;
  #failure: HyperError | undefined;

  private constructor(transport: SshTransport, o: { readonly path: string; readonly socket: string }) {
    this.#transport = transport;
    this.#socket = o.socket;
    this.path = o.path;
  }

  static async open(transport: SshTransport, socket: string, { signal }: Cancel): Promise<SshRoad> {
    if (!PLAIN_PATH.test(socket))
      throw new HyperError('usage/invalid', `Through SSH the scratch folder has to be named in plain letters, digits and ./-_+@: ${socket} is not.`);
    // Made by mkdtemp, so that nobody else may go in.
    const folder = await mkdtemp(join(tmpdir(), 'hypersdk-road-'));
    const road = new SshRoad(transport, { path: join(folder, 'nbd'), socket });
    try {
      await road.#forward({ signal });
      return road;
    } catch (error) {
      await road[Symbol.asyncDispose]();
      throw error;
    }
  }

  get reach(): Reach {
    return { server: { path: this.path } };
  }

  /** Why nothing gets through at the moment; undefined while it does. */
  get failure(): HyperError | undefined {
    return this.#failure;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    // Without a farewell: a forwarding does not end with its input.
    this.#link?.fail(new Error('the road is closed'));
    await rm(join(this.path, '..'), { recursive: true, force: true });
  }

  async #forward({ signal }: Cancel): Promise<void> {
    const { host } = this.#transport;
    const options = [
      'ExitOnForwardFailure=yes',
      'StreamLocalBindUnlink=yes',
      'StreamLocalBindMask=0177',
      'ServerAliveInterval=15',
      'ControlPath=none',
    ];
    const args = [...sshOptions(this.#transport, options), '-N', '-L', `${this.path}:${this.#socket}`, '--', host];
    const link = await dialProgram({ program: 'ssh', args, environment: { LC_ALL: 'C' } }, { signal }).catch((cause: unknown) => {
      const why = systemCode(cause) === 'ENOENT' ? 'the program ssh is not installed here' : 'ssh cannot be started';
      throw new HyperError('libvirt/unreachable', `${host} cannot be reached: ${why}.`, { cause });
    });
    const ended = Promise.withResolvers<HyperError>();
    link.receiver = {
      received: () => {},
      ended: (reason) => ended.resolve(explainSsh(reason, host) ?? new HyperError('libvirt/lost', `The way to ${host} ended.`, { cause: reason })),
    };
    this.#link = link;
    let failure: HyperError | undefined;
    void ended.promise.then((reason) => (failure = reason));
    const deadline = performance.now() + OPEN_MS;
    while (!(await this.#answers({ signal }))) {
      if (failure) throw failure;
      if (performance.now() > deadline) throw this.#unanswered();
      await delay(PAUSE_MS, undefined, { signal });
    }
    this.#failure = undefined;
    void ended.promise.then((reason) => this.#again(reason));
  }

  /** Readers of the disk come back by themselves to a socket that is there again. */
  async #again(reason: HyperError): Promise<void> {
    this.#failure = reason;
    const { signal } = this.#stop;
    for (let tries = 0; tries < RETRIES_MAX && !signal.aborted; tries += 1) {
      try {
        await delay(RETRY_PAUSE_MS, undefined, { signal });
        return await this.#forward({ signal });
      } catch (error) {
        if (error instanceof HyperError) this.#failure = error;
      }
    }
  }

  /** NBD servers greet first: only then something came all the way. False: nobody listens yet. */
  async #answers({ signal }: Cancel): Promise<boolean> {
    const greeting = Promise.withResolvers<boolean>();
    try {
      using link = await dialSocket({ path: this.path }, { signal });
      link.receiver = { received: () => greeting.resolve(true), ended: () => greeting.resolve(false) };
      const stop = setTimeout(() => greeting.resolve(false), OPEN_MS);
      try {
        if (await greeting.promise) return true;
      } finally {
        clearTimeout(stop);
      }
    } catch {
      signal.throwIfAborted();
      return false;
    }
    throw this.#unanswered();
  }

  #unanswered(): HyperError {
    const { host } = this.#transport;
    return new HyperError(
      'libvirt/forbidden',
      `The disks cannot be read through SSH: the socket ${this.#socket} at ${host} does not answer. The user there has to be root or the one whom QEMU runs as, and its sshd has to allow AllowStreamLocalForwarding.`,
      { detail: { host, socket: this.#socket } },
    );
  }
}
