import type { Clock } from '@hypersdk/ports';
import { FakeClock } from '../fake/fake-clock.ts';
import { checksOfClock, type OpenClock } from './clock-contract.ts';
import { mutate } from './mutate.ts';
import { type Mutant, proveChecks } from './prove-checks.ts';

function open(change: (clock: FakeClock) => Partial<Clock> = () => ({})): OpenClock {
  return async () => {
    const clock = new FakeClock();
    return { clock: mutate<Clock>(clock, change(clock)), pass: async (ms) => clock.pass(ms) };
  };
}

const mutant = (flaw: string, breaks: string, change: (clock: FakeClock) => Partial<Clock>): Mutant<OpenClock> => ({
  flaw,
  breaks,
  subject: open(change),
});

proveChecks<OpenClock>({
  port: 'clock',
  checksOf: checksOfClock,
  reference: open(),
  mutants: [
    mutant('counts seconds', 'the wall clock counts milliseconds since 1970', (clock) => ({ now: () => clock.now() / 1000 })),
    mutant('counts time backwards', 'elapsed time never goes back', (clock) => ({ elapsed: () => 1000 - clock.elapsed() })),
    mutant('measures seconds', 'elapsed time grows by the milliseconds that pass', (clock) => ({ elapsed: () => clock.elapsed() / 1000 })),
    mutant('stands still', 'elapsed time grows by the milliseconds that pass', () => ({ elapsed: () => 5 })),
  ],
});
