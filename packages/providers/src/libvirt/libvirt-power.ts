import { HyperError, type VMId } from '@hypersdk/domain';
import type { Cancel, Power, ShutdownOptions } from '@hypersdk/ports';
import type { DomainWatch } from './domain-watch.ts';
import { findDomain } from './find-domain.ts';
import { type Domain, procedures } from './rpc/procedures.ts';
import type { Caller } from './rpc/rpc-client.ts';
import { isRefusal, ServerCode } from './rpc/server-error.ts';
import { DomainState } from './to-vm.ts';

/** An event says when to look again; this is for one that was lost. */
const LOOK_MS = 2000;
/** A state is reached soon after the server said that it would be. */
const SETTLE_MS = 30_000;
/** Guests that are starting do not hear the first time they are asked. */
const ASK_AGAIN_MS = 5000;

const OFF: readonly number[] = [DomainState.off, DomainState.crashed];
const ON: readonly number[] = [DomainState.running, DomainState.blocked];
const RESTING: readonly number[] = [DomainState.paused, DomainState.pmSuspended];

const STATE_WORDS: Readonly<Record<number, string>> = {
  [DomainState.running]: 'running',
  [DomainState.blocked]: 'running',
  [DomainState.paused]: 'suspended',
  [DomainState.shutdown]: 'shutting down',
  [DomainState.off]: 'stopped',
  [DomainState.crashed]: 'crashed',
  [DomainState.pmSuspended]: 'asleep',
};

type Course = Cancel & { readonly domain: Domain };

/** Asks libvirt, then waits until it is so: by its events, and by looking. */
export class LibvirtPower implements Power {
  readonly #client: Caller;
  readonly #watch: DomainWatch;

  constructor(client: Caller, watch: DomainWatch) {
    this.#client = client;
    this.#watch = watch;
  }

  async start(id: VMId, o: Cancel): Promise<void> {
    const domain = await findDomain(this.#client, id, o);
    const state = await this.#stateOf({ ...o, domain });
    if (ON.includes(state)) return;
    if (!OFF.includes(state)) throw wrongState(domain, state, 'only a stopped VM is started');
    await this.#unless(ON, { ...o, domain }, () => this.#client.call(procedures.domainCreate, { domain, flags: 0 }, o));
    await this.#reach(ON, { ...o, domain });
  }

  async shutdown(id: VMId, { patienceMs, signal }: ShutdownOptions): Promise<void> {
    const domain = await findDomain(this.#client, id, { signal });
    const state = await this.#stateOf({ signal, domain });
    if (OFF.includes(state)) return;
    if (RESTING.includes(state)) throw wrongState(domain, state, 'its guest cannot hear');
    await this.#watch.begin({ signal });
    const until = performance.now() + patienceMs;
    for (let left = patienceMs; left > 0; left = until - performance.now()) {
      await this.#unless(OFF, { signal, domain }, () => this.#client.call(procedures.domainShutdown, { domain }, { signal }));
      if (await this.#waitFor(OFF, { signal, domain, withinMs: Math.min(left, ASK_AGAIN_MS) })) return;
    }
    throw new HyperError('vm/not-stopped', `The guest of ${domain.name} did not shut down within ${patienceMs / 1000} s; it may still do so.`);
  }

  async powerOff(id: VMId, o: Cancel): Promise<void> {
    const domain = await findDomain(this.#client, id, o);
    if (OFF.includes(await this.#stateOf({ ...o, domain }))) return;
    await this.#unless(OFF, { ...o, domain }, () => this.#client.call(procedures.domainDestroy, { domain, flags: 0 }, o));
    await this.#reach(OFF, { ...o, domain });
  }

  async reboot(id: VMId, o: Cancel): Promise<void> {
    const domain = await this.#findRunning(id, 'only a running VM is rebooted', o);
    await this.#client.call(procedures.domainReboot, { domain, flags: 0 }, o);
  }

  async reset(id: VMId, o: Cancel): Promise<void> {
    const domain = await this.#findRunning(id, 'only a running VM is reset', o);
    await this.#client.call(procedures.domainReset, { domain, flags: 0 }, o);
  }

  async suspend(id: VMId, o: Cancel): Promise<void> {
    const domain = await findDomain(this.#client, id, o);
    const state = await this.#stateOf({ ...o, domain });
    if (state === DomainState.paused) return;
    if (!ON.includes(state)) throw wrongState(domain, state, 'only a running VM is suspended');
    await this.#unless(RESTING, { ...o, domain }, () => this.#client.call(procedures.domainSuspend, { domain }, o));
    await this.#reach(RESTING, { ...o, domain });
  }

  async resume(id: VMId, o: Cancel): Promise<void> {
    const domain = await findDomain(this.#client, id, o);
    const state = await this.#stateOf({ ...o, domain });
    if (ON.includes(state)) return;
    if (!RESTING.includes(state)) throw wrongState(domain, state, 'only a suspended VM is resumed');
    const wake =
      state === DomainState.pmSuspended
        ? () => this.#client.call(procedures.domainPmWakeup, { domain, flags: 0 }, o)
        : () => this.#client.call(procedures.domainResume, { domain }, o);
    await this.#unless(ON, { ...o, domain }, wake);
    await this.#reach(ON, { ...o, domain });
  }

  async #findRunning(id: VMId, rule: string, o: Cancel): Promise<Domain> {
    const domain = await findDomain(this.#client, id, o);
    const state = await this.#stateOf({ ...o, domain });
    if (!ON.includes(state)) throw wrongState(domain, state, rule);
    return domain;
  }

  /** A domain that only lived while it ran has no state any more: it is off. */
  async #stateOf({ domain, signal }: Course): Promise<number> {
    try {
      return (await this.#client.call(procedures.domainGetState, { domain, flags: 0 }, { signal })).state;
    } catch (error) {
      if (isRefusal(error, ServerCode.noDomain)) return DomainState.off;
      throw error;
    }
  }

  /** Whoever got there first, it is there: the server's refusal is none then. */
  async #unless(states: readonly number[], course: Course, ask: () => Promise<unknown>): Promise<void> {
    try {
      await ask();
    } catch (error) {
      course.signal.throwIfAborted();
      if (!isRefusal(error, ServerCode.operationInvalid, ServerCode.noDomain) || !states.includes(await this.#stateOf(course))) throw error;
    }
  }

  async #reach(states: readonly number[], course: Course): Promise<void> {
    await this.#watch.begin(course);
    if (await this.#waitFor(states, { ...course, withinMs: SETTLE_MS })) return;
    throw wrongState(course.domain, await this.#stateOf(course), 'libvirt said that it would be otherwise');
  }

  /** Whether one of the states is reached in time. */
  async #waitFor(states: readonly number[], { withinMs, ...course }: Course & { readonly withinMs: number }): Promise<boolean> {
    const until = performance.now() + withinMs;
    for (;;) {
      // Listening begins before the look, so that nothing can happen in between.
      const looked = new AbortController();
      const signal = AbortSignal.any([course.signal, looked.signal]);
      const change = this.#watch.next(course.domain.uuid, { signal, withinMs: Math.min(LOOK_MS, Math.max(until - performance.now(), 0)) });
      change.catch(() => {});
      try {
        if (states.includes(await this.#stateOf(course))) return true;
        if (performance.now() >= until) return false;
        await change;
      } finally {
        looked.abort();
      }
    }
  }
}

const wrongState = ({ name }: Domain, state: number, rule: string): HyperError =>
  new HyperError('vm/wrong-state', `${name} is ${STATE_WORDS[state] ?? 'in an unknown state'}: ${rule}.`);
