import type { BenchCase } from '../harness/bench-case.ts';
import { ours, PURE, qemuImg } from './contestants.ts';

const ZLIB = ['--format', 'qcow2', '--compression', 'zlib'] as const;
const ZSTD = ['--format', 'qcow2', '--compression', 'zstd'] as const;
const STREAM = ['--format', 'vmdk', '--subformat', 'streamOptimized'] as const;

/** A5 to A9 of the goals: the codec decides. `native`: libraries of the system; `pure`: Node alone. */
export const compressedCases: readonly BenchCase[] = [
  {
    id: 'A5',
    title: 'raw to qcow2, zlib',
    image: 'os1.raw',
    output: 'qcow2',
    needs: ['qemu-img'],
    contestants: [
      ours({ name: 'native, level 1', image: 'os1.raw', options: [...ZLIB, '--level', '1'] }),
      ours({ name: 'native, level 6', image: 'os1.raw', options: [...ZLIB, '--level', '6'] }),
      ours({ name: 'pure, level 6', image: 'os1.raw', options: [...ZLIB, '--level', '6'], env: PURE }),
      ...qemuImg('os1.raw', ['-c', '-f', 'raw', '-O', 'qcow2']),
    ],
    goals: [
      { ours: 'pure, level 6', peers: ['qemu-img'], measure: 'wall', atMost: 0.42 },
      { ours: 'pure, level 6', peers: ['qemu-img'], measure: 'size', atMost: 1.02 },
      { ours: 'native, level 1', peers: ['qemu-img'], measure: 'wall', atMost: 0.07 },
      { ours: 'native, level 1', peers: ['qemu-img'], measure: 'size', atMost: 1.08 },
      { ours: 'native, level 6', peers: ['qemu-img'], measure: 'wall', atMost: 0.1 },
      { ours: 'native, level 6', peers: ['qemu-img'], measure: 'size', atMost: 1.06 },
    ],
  },
  {
    id: 'A6',
    title: 'raw to qcow2, zstd',
    image: 'os1.raw',
    output: 'qcow2',
    needs: ['qemu-img'],
    contestants: [
      ours({ name: 'native', image: 'os1.raw', options: ZSTD }),
      ours({ name: 'pure', image: 'os1.raw', options: ZSTD, env: PURE }),
      ...qemuImg('os1.raw', ['-c', '-f', 'raw', '-O', 'qcow2', '-o', 'compression_type=zstd']),
    ],
    goals: [
      { ours: 'native', peers: ['qemu-img'], measure: 'wall', atMost: 0.48 },
      { ours: 'pure', peers: ['qemu-img'], measure: 'wall', atMost: 0.6 },
      { ours: 'native', peers: ['qemu-img'], measure: 'size', atMost: 1 },
    ],
  },
  {
    id: 'A7',
    title: 'raw to streamOptimized VMDK',
    image: 'os1.raw',
    output: 'vmdk',
    needs: ['qemu-img'],
    contestants: [
      ours({ name: 'native, level 1', image: 'os1.raw', options: [...STREAM, '--level', '1'] }),
      ours({ name: 'native, level 3', image: 'os1.raw', options: [...STREAM, '--level', '3'] }),
      ours({ name: 'pure, level 6', image: 'os1.raw', options: [...STREAM, '--level', '6'], env: PURE }),
      ...qemuImg('os1.raw', ['-f', 'raw', '-O', 'vmdk', '-o', 'subformat=streamOptimized']),
    ],
    goals: [
      { ours: 'pure, level 6', peers: ['qemu-img'], measure: 'wall', atMost: 0.3 },
      { ours: 'native, level 3', peers: ['qemu-img'], measure: 'wall', atMost: 0.12 },
      { ours: 'native, level 3', peers: ['qemu-img'], measure: 'size', atMost: 1.005 },
      { ours: 'native, level 1', peers: ['qemu-img'], measure: 'wall', atMost: 0.085 },
      { ours: 'native, level 1', peers: ['qemu-img'], measure: 'size', atMost: 1.05 },
    ],
  },
  {
    id: 'A8',
    title: 'streamOptimized VMDK to qcow2',
    image: 'os1.stream.vmdk',
    output: 'qcow2',
    needs: ['qemu-img'],
    contestants: [
      ours({ name: 'native', image: 'os1.stream.vmdk', options: ['--format', 'qcow2'] }),
      ours({ name: 'pure', image: 'os1.stream.vmdk', options: ['--format', 'qcow2'], env: PURE }),
      ...qemuImg('os1.stream.vmdk', ['-f', 'vmdk', '-O', 'qcow2']),
    ],
    goals: [
      { ours: 'pure', peers: ['qemu-img'], measure: 'wall', atMost: 0.26 },
      { ours: 'native', peers: ['qemu-img'], measure: 'wall', atMost: 0.15 },
    ],
  },
  ...(['zlib', 'zstd'] as const).map((codec): BenchCase => ({
    id: `A9-${codec}`,
    title: `qcow2 with ${codec} clusters to raw`,
    image: `os1.${codec}.qcow2`,
    output: 'raw',
    needs: ['qemu-img'],
    contestants: [
      ours({ name: 'native', image: `os1.${codec}.qcow2`, options: ['--format', 'raw'] }),
      ours({ name: 'pure', image: `os1.${codec}.qcow2`, options: ['--format', 'raw'], env: PURE }),
      ...qemuImg(`os1.${codec}.qcow2`, ['-f', 'qcow2', '-O', 'raw']),
    ],
    goals: [
      { ours: 'native', peers: ['qemu-img'], measure: 'wall', atMost: codec === 'zlib' ? 0.25 : 0.38 },
      { ours: 'pure', peers: ['qemu-img'], measure: 'wall', atMost: codec === 'zlib' ? 0.42 : 0.6 },
    ],
  })),
];
