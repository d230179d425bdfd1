import type { ByteRange } from '@hypersdk/domain';
import type { BlockSink, Cancel } from '@hypersdk/ports';
import { corrupted, type FaultPlan, hang } from './fault-plan.ts';

export type SinkMethod = 'write' | 'zero' | 'flush' | 'finish';

/** A sink that goes wrong as planned: `write` in every way, the others by an error, by doing nothing (`short`) or by hanging. */
export class FaultySink implements BlockSink {
  readonly #sink: BlockSink;
  readonly #plan: FaultPlan<SinkMethod>;

  constructor(sink: BlockSink, plan: FaultPlan<SinkMethod>) {
    this.#sink = sink;
    this.#plan = plan;
  }

  get virtualSize(): number {
    return this.#sink.virtualSize;
  }

  get ordered(): boolean {
    return this.#sink.ordered;
  }

  async write(offset: number, bytes: Uint8Array, o: Cancel): Promise<void> {
    const fault = this.#plan.next('write');
    if (fault?.kind === 'error') throw fault.error;
    if (fault?.kind === 'hang') return hang(o);
    if (fault?.kind === 'short') return this.#sink.write(offset, bytes.subarray(0, Math.floor(bytes.length / 2)), o);
    return this.#sink.write(offset, fault?.kind === 'corrupt' ? corrupted(bytes) : bytes, o);
  }

  zero(range: ByteRange, o: Cancel): Promise<void> {
    return this.#meet('zero', o, () => this.#sink.zero(range, o));
  }

  flush(o: Cancel): Promise<void> {
    return this.#meet('flush', o, () => this.#sink.flush(o));
  }

  finish(o: Cancel): Promise<void> {
    return this.#meet('finish', o, () => this.#sink.finish(o));
  }

  abort(): Promise<void> {
    return this.#sink.abort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#sink[Symbol.asyncDispose]();
  }

  async #meet(method: SinkMethod, o: Cancel, go: () => Promise<void>): Promise<void> {
    const fault = this.#plan.next(method);
    if (fault?.kind === 'error') throw fault.error;
    if (fault?.kind === 'hang') return hang(o);
    if (fault?.kind !== 'short') await go();
  }
}
