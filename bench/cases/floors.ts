import type { BenchCase } from '../harness/bench-case.ts';
import { ourProgram } from './contestants.ts';

const alone = (name: string, ...options: readonly string[]): BenchCase['contestants'][number] =>
  ourProgram(name, { program: 'codec', image: 'os1.raw', options });

/** What is left when everything but the codec is taken away: no goal can be met whose time is less than this over the number of cores. */
export const floorCases: readonly BenchCase[] = [
  {
    id: 'floor',
    title: 'the codecs of the native paths alone, on one thread',
    image: 'os1.raw',
    needs: [],
    contestants: [
      alone('deflate for qcow2, level 1 (A5)', 'deflate-4k', '1'),
      alone('deflate for qcow2, level 6 (A5)', 'deflate-4k', '6'),
      alone('zlib for VMDK, level 1 (A7)', 'zlib', '1'),
      alone('zlib for VMDK, level 1, there and back (A8)', 'zlib', '1', 'back'),
      alone('zlib for VMDK, level 3 (A7)', 'zlib', '3'),
      alone('zstd, level 3 (A6, A11)', 'zstd', '3'),
      alone('zstd, level 3, there and back (A9)', 'zstd', '3', 'back'),
    ],
    goals: [],
  },
];
