import type { VMId } from '@hypersdk/domain';
import type { Cancel } from './cancel.ts';

export interface ShutdownOptions extends Cancel {
  /** How long the guest may take. */
  readonly patienceMs: number;
}

/**
 * What makes VMs run and rest. Each call settles when the VM is in the state that was asked for; a VM that is in it already is left as it is, so
 * that a call can be made again after a crash. A state from which it cannot be reached is refused with `vm/wrong-state`, a VM that there is not
 * with `vm/not-found`.
 */
export interface Power {
  /** Starts a stopped VM, from its saved memory if there is some. A suspended one is refused: `resume` says that more clearly. */
  start(id: VMId, o: Cancel): Promise<void>;
  /** Asks the guest to shut down. `vm/not-stopped` when it has not within the time; it then runs on, and may still obey. Nothing is switched off. */
  shutdown(id: VMId, o: ShutdownOptions): Promise<void>;
  /** Takes the power away, as a pulled plug would. Memory that was saved before is kept. */
  powerOff(id: VMId, o: Cancel): Promise<void>;
  /** Asks the guest to start anew. Settles when it was asked: whether it does is the guest's. */
  reboot(id: VMId, o: Cancel): Promise<void>;
  /** Starts a running VM anew without asking its guest. */
  reset(id: VMId, o: Cancel): Promise<void>;
  /** Stops the processors of a running VM; its memory stays where it is. */
  suspend(id: VMId, o: Cancel): Promise<void>;
  resume(id: VMId, o: Cancel): Promise<void>;
}
