import type { Cancel } from '@hypersdk/ports';
import { type EventName, events, procedures } from './rpc/procedures.ts';
import type { RpcClient } from './rpc/rpc-client.ts';
import { isRefusal, ServerCode } from './rpc/server-error.ts';

/** Everything that changes what a VM is seen to be. An older server knows fewer; those are not asked for again. */
const WATCHED = [
  'lifecycle',
  'diskChange',
  'deviceRemoved',
  'deviceAdded',
  'blockJob',
  'agent',
  'balloonChange',
  'metadataChange',
] as const satisfies readonly EventName[];

type Told = (uuid: string) => void;

/** Passes on which domains changed, as the server tells it. */
export class DomainWatch {
  readonly #client: RpcClient;
  readonly #told = new Set<Told>();
  #begun: Promise<boolean> | undefined;

  constructor(client: RpcClient) {
    this.#client = client;
  }

  /** Begins on first use. False: this server tells nothing, and whoever wants to know has to ask. */
  async begin(o: Cancel): Promise<boolean> {
    // Not called off with its first caller, as others wait for it too.
    this.#begun ??= this.#register();
    const { promise, reject } = Promise.withResolvers<never>();
    const stop = (): void => reject(o.signal.reason);
    o.signal.addEventListener('abort', stop, { once: true });
    try {
      return await Promise.race([this.#begun, promise]);
    } finally {
      o.signal.removeEventListener('abort', stop);
    }
  }

  /** Calls `told` with the UUID of every domain that changes, until disposed of. */
  subscribe(told: Told): Disposable {
    this.#told.add(told);
    return { [Symbol.dispose]: () => this.#told.delete(told) };
  }

  /** Settles at the next change of the domain, or after this time: events are many and may be missed. */
  async next(uuid: string, { signal, withinMs }: Cancel & { readonly withinMs: number }): Promise<void> {
    signal.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const stop = (): void => reject(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
    const timer = setTimeout(resolve, withinMs);
    using _ = this.subscribe((changed) => {
      if (changed === uuid) resolve();
    });
    try {
      await promise;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', stop);
    }
  }

  async #register(): Promise<boolean> {
    const signal = AbortSignal.any([]);
    for (const name of WATCHED) this.#client.listen(name, ({ domain }) => this.#tell(domain.uuid));
    const asked = WATCHED.map((name) =>
      this.#client.call(procedures.domainEventRegister, { eventId: events[name].eventId, domain: undefined }, { signal }),
    );
    const answers = await Promise.allSettled(asked);
    for (const answer of answers) {
      if (answer.status === 'rejected' && !isUnknown(answer.reason)) throw answer.reason;
    }
    // Of all events this is the one without which the others say too little.
    return answers[WATCHED.indexOf('lifecycle')]?.status === 'fulfilled';
  }

  #tell(uuid: string): void {
    for (const told of this.#told) told(uuid);
  }
}

/** An event that the server has not heard of, or its driver does not send. */
const isUnknown = (reason: unknown): boolean =>
  isRefusal(reason, ServerCode.noSupport, ServerCode.invalidArgument, ServerCode.unsupportedArgument, ServerCode.internal);
