import { setTimeout as delay } from 'node:timers/promises';
import { clockContract } from '@hypersdk/testkit';
import { SystemClock } from './system-clock.ts';

clockContract(async () => ({
  clock: new SystemClock(),
  pass: async (ms) => {
    await delay(ms);
  },
}));
