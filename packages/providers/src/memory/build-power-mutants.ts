import { HyperError, toVMId } from '@hypersdk/domain';
import type { Power } from '@hypersdk/ports';
import { type ArrangeProvider, calm, type Mutant } from '@hypersdk/testkit';
import { facetMutant } from './build-memory-platform.ts';

const powerMutant = facetMutant('power');
const ANY = toVMId('db-01');

/** Everything that a VM is asked for, done to whatever VM there is when there is no such one. */
const onAny =
  (call: (id: typeof ANY, o: typeof calm) => Promise<void>): ((id: typeof ANY, o: typeof calm) => Promise<void>) =>
  (id, o) =>
    call(id, o).catch((error: unknown) => {
      if (error instanceof HyperError && error.code === 'vm/not-found') return;
      throw error;
    });

const RUNS = 'a started VM runs, and starting it again changes nothing';
const RESTS = 'a suspended VM is told to be, and runs on when it is resumed';
const OBEYS = 'a guest that is asked to shut down does, and asking again changes nothing';
const STATES = 'what a VM cannot do in its state is refused, and changes nothing';

/** Wrong ways to hold the power of VMs, each with the check that has to find it. */
export const powerMutants: readonly Mutant<ArrangeProvider>[] = [
  powerMutant('forgets to start', RUNS, () => ({ start: async () => {} })),
  powerMutant('does not start what runs', RUNS, (power) => ({
    start: once(power.start.bind(power)),
  })),
  powerMutant('suspends by stopping', RESTS, (power) => ({ suspend: (id, o) => power.powerOff(id, o) })),
  powerMutant('resumes only once', RESTS, (power) => ({ resume: once(power.resume.bind(power)) })),
  powerMutant('resets by taking the power', 'a VM that is started anew runs', (power) => ({ reset: (id, o) => power.powerOff(id, o) })),
  powerMutant('asks and does not wait', OBEYS, () => ({ shutdown: async () => {} })),
  powerMutant('cannot shut down what is off', OBEYS, (power) => ({ shutdown: once(power.shutdown.bind(power)) })),
  powerMutant('switches off who does not obey', 'a guest that does not obey runs on, and that is said', (power) => ({
    shutdown: (id, o) => power.powerOff(id, o),
  })),
  powerMutant('keeps the power of what is suspended', 'a VM whose power is taken is stopped, and taking it again changes nothing', (power) => ({
    powerOff: async (id, o) => power.shutdown(id, { ...o, patienceMs: 0 }),
  })),
  powerMutant('starts what is only to be reset', STATES, (power) => ({
    reset: async (id, o) => {
      await power.start(id, o);
      await power.reset(id, o);
    },
  })),
  powerMutant('resumes what is only to be started', STATES, (power) => ({
    start: (id, o) => power.start(id, o).catch(() => power.resume(id, o)),
  })),
  powerMutant('does not mind who is unknown', 'an unknown VM is told to be unknown by every call', (power) => ({
    reset: onAny(power.reset.bind(power)),
  })),
  powerMutant('starts although it was cancelled', 'a cancelled call rejects with the reason and changes nothing', (power) => ({
    start: (id) => power.start(id, calm),
  })),
];

/** Fails whenever it is called again. */
function once<Call extends Power['start'] | Power['shutdown']>(call: Call): Call {
  let isUsed = false;
  const guarded: Power['shutdown'] = (id, o) => {
    if (isUsed) return Promise.reject(new HyperError('vm/wrong-state', 'It is so already.'));
    isUsed = true;
    return call(id, o);
  };
  return guarded as Call;
}
