import type { VMId, VMMetrics } from '@hypersdk/domain';
import type { Cancel } from './cancel.ts';

export interface MetricsRequest extends Cancel {
  /** Whose figures are wanted; everybody's when absent. Those that are not there any more are left out. */
  readonly vms?: readonly VMId[];
}

/** What VMs do, in figures. */
export interface Metrics {
  /**
   * The figures of all VMs as they are now, each once, in any order; a VM that is busy with something else is told of as far as is known. Many are asked
   * about together, so that the cost is a few questions for hundreds. Rates are the caller's: the difference of two counters over that of their moments.
   */
  sample(o: MetricsRequest): AsyncIterable<VMMetrics>;
}
