import type { ByteRange, Extent } from '@hypersdk/domain';
import type { BlockSource, Cancel } from '@hypersdk/ports';
import { corrupted, type FaultPlan, hang } from './fault-plan.ts';

/** A source that goes wrong as planned: `read` in every way, `extents` by an error, by ending early or by hanging. */
export class FaultySource implements BlockSource {
  readonly #source: BlockSource;
  readonly #plan: FaultPlan<'read' | 'extents'>;

  constructor(source: BlockSource, plan: FaultPlan<'read' | 'extents'>) {
    this.#source = source;
    this.#plan = plan;
  }

  get virtualSize(): number {
    return this.#source.virtualSize;
  }

  get blockAlign(): number {
    return this.#source.blockAlign;
  }

  async *extents(o: Cancel & { readonly range?: ByteRange }): AsyncGenerator<Extent> {
    const fault = this.#plan.next('extents');
    let seen = 0;
    for await (const extent of this.#source.extents(o)) {
      seen += 1;
      // The first extent comes through, so that the fault meets a walk under way.
      if (fault && seen === 2) {
        if (fault.kind === 'error') throw fault.error;
        if (fault.kind === 'hang') await hang(o);
        if (fault.kind === 'short') return;
      }
      yield fault?.kind === 'corrupt' && extent.kind === 'data' ? { ...extent, kind: 'hole' } : extent;
    }
  }

  async read(offset: number, into: Uint8Array, o: Cancel): Promise<void> {
    const fault = this.#plan.next('read');
    if (fault?.kind === 'error') throw fault.error;
    if (fault?.kind === 'hang') return hang(o);
    const wanted = fault?.kind === 'short' ? into.subarray(0, Math.floor(into.length / 2)) : into;
    await this.#source.read(offset, wanted, o);
    if (fault?.kind === 'corrupt') into.set(corrupted(into));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#source[Symbol.asyncDispose]();
  }
}
