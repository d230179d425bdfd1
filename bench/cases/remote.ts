import type { BenchCase } from '../harness/bench-case.ts';
import { oursOverNbd, overNbd, peer } from './contestants.ts';

const rand = 'rand.raw';

/** A10 of the goals: what comes over a line. */
export const remoteCases: readonly BenchCase[] = [
  {
    id: 'A10-nbd',
    title: 'NBD over a UNIX socket to raw, noise',
    image: rand,
    output: 'raw',
    needs: ['nbdkit', 'nbdcopy', 'qemu-img'],
    contestants: [
      oursOverNbd('ours', { image: rand, options: '--format raw' }),
      oursOverNbd('ours, one mover', { image: rand, options: '--format raw --workers 1' }),
      peer('nbdcopy', { image: rand, argv: overNbd('nbdcopy "$uri" OUT') }),
      peer('qemu-img', { image: rand, argv: overNbd('qemu-img convert -f raw -O raw "$uri" OUT') }),
    ],
    goals: [{ ours: 'ours', peers: ['nbdcopy'], measure: 'wall', atMost: 0.8 }],
  },
];
