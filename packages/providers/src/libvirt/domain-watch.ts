import type { Cancel } from '@hypersdk/ports';
import { type EventMessage, type EventName, events, procedures } from './rpc/procedures.ts';
import type { RpcClient } from './rpc/rpc-client.ts';
import { isRefusal, ServerCode } from './rpc/server-error.ts';

/** Everything that changes what a VM is seen to be. An older server knows fewer; those are not asked for again. */
const WATCHED = [
  'lifecycle',
  'reboot',
  'ioError',
  'diskChange',
  'trayChange',
  'deviceRemoved',
  'deviceAdded',
  'deviceKept',
  'blockJob',
  'jobCompleted',
  'agent',
  'balloonChange',
  'metadataChange',
] as const satisfies readonly EventName[];

type Watched = (typeof WATCHED)[number];

/** One event, by what it is about. */
export type DomainNews = { readonly [Name in Watched]: { readonly name: Name; readonly message: EventMessage<Name> } }[Watched];

export interface DomainListener {
  happened?(news: DomainNews): void;
  /** The server was not heard for a while: anything may have happened. */
  interrupted?(): void;
}

type Told = (uuid: string) => void;

/** Passes on which domains changed, as the server tells it. */
export class DomainWatch {
  readonly #listeners = new Set<DomainListener>();
  #client: RpcClient;
  #begun: Promise<boolean> | undefined;
  #isWanted = false;

  constructor(client: RpcClient) {
    this.#client = client;
  }

  /** Begins on first use. False: this server tells nothing, and whoever wants to know has to ask. */
  async begin(o: Cancel): Promise<boolean> {
    this.#isWanted = true;
    // Not called off with its first caller, as others wait for it too.
    this.#begun ??= this.#register().catch((error: unknown) => {
      this.#begun = undefined;
      throw error;
    });
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
    return this.hear({ happened: ({ message }) => told(message.domain.uuid) });
  }

  /** Tells the listener of every event, until disposed of. */
  hear(listener: DomainListener): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => this.#listeners.delete(listener) };
  }

  /** Goes on with another connection to the same server. Whoever listens is told once that one listens again. */
  async follow(client: RpcClient, o: Cancel): Promise<void> {
    this.#client = client;
    this.#begun = undefined;
    if (!this.#isWanted) return;
    await this.begin(o);
    for (const listener of this.#listeners) listener.interrupted?.();
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
    const client = this.#client;
    for (const name of WATCHED) client.listen(name, (message) => this.#tell({ name, message } as DomainNews));
    const asked = WATCHED.map((name) =>
      client.call(procedures.domainEventRegister, { eventId: events[name].eventId, domain: undefined }, { signal }),
    );
    const answers = await Promise.allSettled(asked);
    for (const answer of answers) {
      if (answer.status === 'rejected' && !isUnknown(answer.reason)) throw answer.reason;
    }
    // Of all events this is the one without which the others say too little.
    return answers[WATCHED.indexOf('lifecycle')]?.status === 'fulfilled';
  }

  #tell(news: DomainNews): void {
    for (const listener of this.#listeners) listener.happened?.(news);
  }
}

/** An event that the server has not heard of, or its driver does not send. */
const isUnknown = (reason: unknown): boolean =>
  isRefusal(reason, ServerCode.noSupport, ServerCode.invalidArgument, ServerCode.unsupportedArgument, ServerCode.internal);
