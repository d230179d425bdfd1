import type { ImageRef } from '@hypersdk/domain';
import type { ImageSettings } from '@hypersdk/ports';

/** A copy to be made by a process that is measured: plain data. */
export interface EngineJob {
  readonly image: ImageRef;
  readonly settings: ImageSettings;
}

/** What all jobs together cost. Processor time is of the thread that asked, not of those that worked. */
export interface EngineCost {
  readonly wallMs: number;
  readonly callerCpuMs: number;
  /** How late timers of that thread came, for 99 of 100. */
  readonly delayP99Ms: number;
  /** Highest memory of the process. */
  readonly peakBytes: number;
}
