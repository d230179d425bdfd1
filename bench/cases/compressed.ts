import type { BenchCase } from '../harness/bench-case.ts';
import { bare, ours, PURE, qemuImg } from './contestants.ts';

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
      bare('bare deflate, level 1', { image: 'os1.raw', work: 'deflate-4k:1' }),
      bare('bare deflate, level 6', { image: 'os1.raw', work: 'deflate-4k:6' }),
    ],
    goals: [
      { ours: 'pure, level 6', peers: ['qemu-img'], measure: 'wall', atMost: 0.42 },
      { ours: 'pure, level 6', peers: ['qemu-img'], measure: 'size', atMost: 1.02 },
      { ours: 'native, level 1', peers: ['qemu-img'], measure: 'wall', atMost: 0.07, limit: ['bare deflate, level 1'] },
      { ours: 'native, level 1', peers: ['qemu-img'], measure: 'size', atMost: 1.08 },
      { ours: 'native, level 6', peers: ['qemu-img'], measure: 'wall', atMost: 0.1, limit: ['bare deflate, level 6'] },
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
      bare('bare zstd', { image: 'os1.raw', work: 'zstd:3' }),
    ],
    goals: [
      { ours: 'native', peers: ['qemu-img'], measure: 'wall', atMost: 0.48, limit: ['bare zstd'] },
      { ours: 'pure', peers: ['qemu-img'], measure: 'wall', atMost: 0.6 },
      { ours: 'native', peers: ['qemu-img'], measure: 'size', atMost: 1 },
      { ours: 'native', peers: [], measure: 'memory', atMost: 95.4 },
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
      bare('bare zlib, level 1', { image: 'os1.raw', work: 'zlib:1' }),
      bare('bare zlib, level 3', { image: 'os1.raw', work: 'zlib:3' }),
    ],
    goals: [
      { ours: 'pure, level 6', peers: ['qemu-img'], measure: 'wall', atMost: 0.3 },
      { ours: 'native, level 3', peers: ['qemu-img'], measure: 'wall', atMost: 0.12, limit: ['bare zlib, level 3'] },
      { ours: 'native, level 3', peers: ['qemu-img'], measure: 'size', atMost: 1.005 },
      { ours: 'native, level 1', peers: ['qemu-img'], measure: 'wall', atMost: 0.085, limit: ['bare zlib, level 1'] },
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
      bare('bare zlib', { image: 'os1.raw', work: 'zlib:1' }),
      bare('bare zlib there and back', { image: 'os1.raw', work: 'zlib:1:back' }),
    ],
    goals: [
      { ours: 'pure', peers: ['qemu-img'], measure: 'wall', atMost: 0.26 },
      { ours: 'native', peers: ['qemu-img'], measure: 'wall', atMost: 0.15, limit: ['bare zlib there and back', '-bare zlib'] },
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
      bare('bare codec', { image: 'os1.raw', work: `${codec}:3` }),
      bare('bare codec there and back', { image: 'os1.raw', work: `${codec}:3:back` }),
    ],
    goals: [
      {
        ours: 'native',
        peers: ['qemu-img'],
        measure: 'wall',
        atMost: codec === 'zlib' ? 0.25 : 0.38,
        limit: ['bare codec there and back', '-bare codec'],
      },
      { ours: 'pure', peers: ['qemu-img'], measure: 'wall', atMost: codec === 'zlib' ? 0.42 : 0.6 },
    ],
  })),
  {
    id: 'A13',
    title: 'raw to qcow2, zstd, on two cores and on one',
    image: 'os1.raw',
    output: 'qcow2',
    needs: [],
    contestants: [
      ours({ name: 'ours, two movers', image: 'os1.raw', options: [...ZSTD, '--workers', '2'] }),
      ours({ name: 'ours, one mover', image: 'os1.raw', options: [...ZSTD, '--workers', '1'] }),
      bare('bare zstd, two threads', { image: 'os1.raw', work: 'zstd:3', threads: 2 }),
      bare('bare zstd, one thread', { image: 'os1.raw', work: 'zstd:3', threads: 1 }),
    ],
    // 0.92 of twice as fast.
    goals: [
      { ours: 'ours, two movers', peers: ['ours, one mover'], measure: 'wall', atMost: 0.543 },
      { ours: 'bare zstd, two threads', peers: ['bare zstd, one thread'], measure: 'wall', atMost: 0.543 },
    ],
  },
  {
    id: 'A12',
    title: 'raw to qcow2, a hole of 1 TiB: memory',
    image: 'huge.raw',
    output: 'qcow2',
    needs: ['qemu-img'],
    contestants: [ours({ name: 'ours', image: 'huge.raw', options: ['--format', 'qcow2', '--digest', 'tree'] })],
    goals: [{ ours: 'ours', peers: [], measure: 'memory', atMost: 95.4 }],
  },
];
