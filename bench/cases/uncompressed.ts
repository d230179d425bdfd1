import type { BenchCase } from '../harness/bench-case.ts';
import { bare, ours, peer, qemuImg } from './contestants.ts';

const TO_QCOW2 = ['--format', 'qcow2'] as const;
const TO_RAW = ['--format', 'raw'] as const;

/** A1 to A4 of the goals: no codec, so the pattern of reads and writes decides. */
export const uncompressedCases: readonly BenchCase[] = [
  {
    id: 'A1',
    title: 'raw to qcow2, warm cache',
    image: 'os.raw',
    output: 'qcow2',
    needs: ['qemu-img'],
    contestants: [
      ours({ name: 'ours', image: 'os.raw', options: TO_QCOW2 }),
      ours({ name: 'ours, economy', image: 'os.raw', options: [...TO_QCOW2, '--effort', 'economy'] }),
      ...qemuImg('os.raw', ['-f', 'raw', '-O', 'qcow2']),
      bare('bare reads and writes', { image: 'os.raw', work: 'copy' }),
    ],
    goals: [
      { ours: 'ours', peers: ['qemu-img'], measure: 'wall', atMost: 0.78 },
      { ours: 'ours', peers: ['qemu-img'], measure: 'cpu', atMost: 1.1 },
      { ours: 'ours, economy', peers: ['qemu-img'], measure: 'wall', atMost: 1 },
      { ours: 'ours, economy', peers: ['qemu-img'], measure: 'cpu', atMost: 0.82 },
      // A12: 80 MB and 10 MB for each of two movers.
      { ours: 'ours', peers: [], measure: 'memory', atMost: 95.4 },
    ],
  },
  {
    id: 'A1-noise',
    title: 'raw to qcow2, noise',
    image: 'rand.raw',
    output: 'qcow2',
    needs: ['qemu-img'],
    contestants: [
      ours({ name: 'ours', image: 'rand.raw', options: TO_QCOW2 }),
      ...qemuImg('rand.raw', ['-f', 'raw', '-O', 'qcow2']),
      bare('bare reads and writes', { image: 'rand.raw', work: 'copy' }),
    ],
    goals: [{ ours: 'ours', peers: ['qemu-img'], measure: 'wall', atMost: 1 }],
  },
  {
    id: 'A1-zeros',
    title: 'raw to qcow2, allocated zeros',
    image: 'zalloc.raw',
    output: 'qcow2',
    needs: ['qemu-img'],
    contestants: [ours({ name: 'ours', image: 'zalloc.raw', options: TO_QCOW2 }), ...qemuImg('zalloc.raw', ['-f', 'raw', '-O', 'qcow2'])],
    goals: [],
  },
  {
    id: 'A1-hole',
    title: 'raw to qcow2, an empty disk of 4 GiB: the cost of starting',
    image: 'zero.raw',
    output: 'qcow2',
    needs: ['qemu-img'],
    contestants: [ours({ name: 'ours', image: 'zero.raw', options: TO_QCOW2 }), ...qemuImg('zero.raw', ['-f', 'raw', '-O', 'qcow2'])],
    goals: [],
  },
  {
    id: 'A2-raw',
    title: 'raw to raw, warm cache',
    image: 'os.raw',
    output: 'raw',
    needs: ['qemu-img', 'nbdcopy'],
    contestants: [
      ours({ name: 'ours', image: 'os.raw', options: TO_RAW }),
      ...qemuImg('os.raw', ['-f', 'raw', '-O', 'raw']),
      peer('cp', { image: 'os.raw', argv: ['cp', '--reflink=never', 'IN', 'OUT'] }),
      bare('bare reads and writes', { image: 'os.raw', work: 'copy' }),
      peer('nbdcopy', { image: 'os.raw', argv: ['nbdcopy', '--', '[', 'nbdkit', '--exit-with-parent', '-r', 'file', 'IN', ']', 'OUT'] }),
    ],
    goals: [
      { ours: 'ours', peers: ['qemu-img'], measure: 'wall', atMost: 0.95 },
      { ours: 'ours', peers: ['cp', 'nbdcopy'], measure: 'wall', atMost: 0.8 },
    ],
  },
  {
    id: 'A2-qcow2',
    title: 'qcow2 to raw, warm cache',
    image: 'os.qcow2',
    output: 'raw',
    needs: ['qemu-img'],
    contestants: [ours({ name: 'ours', image: 'os.qcow2', options: TO_RAW }), ...qemuImg('os.qcow2', ['-f', 'qcow2', '-O', 'raw'])],
    goals: [{ ours: 'ours', peers: ['qemu-img'], measure: 'wall', atMost: 0.95 }],
  },
  {
    id: 'A3',
    title: 'raw to qcow2 on a file system that shares blocks (xfs)',
    image: 'os.raw',
    output: 'qcow2',
    place: 'reflink',
    needs: ['qemu-img', 'mkfs.xfs', 'mount'],
    contestants: [
      ours({ name: 'ours', image: 'os.raw', options: TO_QCOW2 }),
      peer('qemu-img', { image: 'os.raw', argv: ['qemu-img', 'convert', '-f', 'raw', '-O', 'qcow2', 'IN', 'OUT'] }),
      // The kernel's own cost of sharing every extent.
      { ...peer('bare sharing by cp', { image: 'os.raw', argv: ['cp', '--reflink=always', 'IN', 'OUT'] }), isBare: true },
      peer('qemu-img -C', { image: 'os.raw', argv: ['qemu-img', 'convert', '-C', '-f', 'raw', '-O', 'qcow2', 'IN', 'OUT'] }),
    ],
    goals: [
      { ours: 'ours', peers: ['qemu-img'], measure: 'wall', atMost: 0.08, limit: ['bare sharing by cp'] },
      { ours: 'ours', peers: ['qemu-img -C'], measure: 'wall', atMost: 0.35, limit: ['bare sharing by cp'] },
    ],
  },
  {
    id: 'A4-qcow2',
    title: 'raw to qcow2, on the medium before it ends',
    image: 'os1.raw',
    output: 'qcow2',
    needs: ['qemu-img'],
    contestants: [
      ours({ name: 'ours', image: 'os1.raw', options: [...TO_QCOW2, '--durability', 'sync'] }),
      peer('qemu-img -t writeback', { image: 'os1.raw', argv: ['qemu-img', 'convert', '-t', 'writeback', '-f', 'raw', '-O', 'qcow2', 'IN', 'OUT'] }),
    ],
    goals: [{ ours: 'ours', peers: ['qemu-img -t writeback'], measure: 'wall', atMost: 1 }],
  },
  {
    id: 'A4-raw',
    title: 'raw to raw, on the medium before it ends',
    image: 'os1.raw',
    output: 'raw',
    needs: ['qemu-img', 'dd'],
    contestants: [
      ours({ name: 'ours', image: 'os1.raw', options: [...TO_RAW, '--durability', 'sync'] }),
      peer('dd conv=fsync', { image: 'os1.raw', argv: ['dd', 'if=IN', 'of=OUT', 'bs=1M', 'conv=fsync,sparse', 'status=none'] }),
    ],
    goals: [{ ours: 'ours', peers: ['dd conv=fsync'], measure: 'wall', atMost: 0.9 }],
  },
];
