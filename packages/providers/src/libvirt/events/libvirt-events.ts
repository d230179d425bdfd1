import { HyperError } from '@hypersdk/domain';
import type { Events, EventsRequest, VMEvents } from '@hypersdk/ports';
import { EventBuffer } from '../../event-buffer.ts';
import type { DomainNews, DomainWatch } from '../domain-watch.ts';
import type { LastingCaller } from '../lasting-caller.ts';
import { procedures } from '../rpc/procedures.ts';
import { toVMEvent } from './to-vm-event.ts';

/** As many as come in a minute from a host where much happens; each takes some hundred bytes. */
const HELD_MAX = 4096;

/** Passes on what the watch of the session hears, and sees to it that there is a connection to hear by. */
export class LibvirtEvents implements Events, Disposable {
  readonly #caller: LastingCaller;
  readonly #watch: DomainWatch;
  readonly #buffers = new Set<EventBuffer>();
  #isKeptUp = false;
  #isDisposed = false;

  constructor(caller: LastingCaller, watch: DomainWatch) {
    this.#caller = caller;
    this.#watch = watch;
  }

  async open({ signal, heldMax = HELD_MAX }: EventsRequest): Promise<VMEvents> {
    signal.throwIfAborted();
    if (!Number.isSafeInteger(heldMax) || heldMax < 1)
      throw new HyperError('usage/invalid', `A consumer of events holds at least 1 of them, and not ${heldMax}.`);
    // Nobody listens to a connection that is over: asking for anything brings about a new one.
    await this.#caller.call(procedures.getLibVersion, {}, { signal });
    if (!(await this.#watch.begin({ signal })))
      throw new HyperError('libvirt/unsupported', 'That libvirt server does not tell what happens to its VMs.');
    const buffer = new EventBuffer({ heldMax, release: () => release() });
    const heard = this.#watch.hear({
      happened: (news: DomainNews) => {
        const event = toVMEvent(news);
        if (event) buffer.push(event);
      },
      interrupted: () => buffer.push({ kind: 'gap', reason: 'connection' }),
    });
    const release = (): void => {
      heard[Symbol.dispose]();
      this.#buffers.delete(buffer);
    };
    this.#buffers.add(buffer);
    void this.#keepUp();
    return buffer;
  }

  [Symbol.dispose](): void {
    this.#isDisposed = true;
    this.#endAll();
  }

  /** Whenever the connection ends, another one is asked for; when there is none to be had, all consumers are told why. */
  async #keepUp(): Promise<void> {
    if (this.#isKeptUp) return;
    this.#isKeptUp = true;
    try {
      while (!this.#isDisposed) {
        await this.#caller.ended;
        if (!this.#isDisposed) await this.#caller.call(procedures.getLibVersion, {}, { signal: AbortSignal.any([]) });
      }
    } catch (error) {
      this.#endAll(error instanceof Error ? error : undefined);
    } finally {
      this.#isKeptUp = false;
    }
  }

  #endAll(reason?: Error): void {
    for (const buffer of this.#buffers) buffer.end(this.#isDisposed ? undefined : reason);
    this.#buffers.clear();
  }
}
