import type { BenchCase } from '../harness/bench-case.ts';
import { bare, ourProgram, ours, peer, PURE } from './contestants.ts';

const ZSTD = ['--format', 'qcow2', '--compression', 'zstd'] as const;
const PROOF = ['--digest', 'tree'] as const;
const CONVERT_THEN_HASH = 'qemu-img convert -c -m 16 -W -f raw -O qcow2 -o compression_type=zstd IN OUT && openssl dgst -sha256 IN';

/** A11 and B1 to B3 of the goals: what hashing costs, alone and on the way. */
export const proofCases: readonly BenchCase[] = [
  {
    id: 'A11',
    title: 'raw to qcow2 with zstd and a hash of the content',
    image: 'os1.raw',
    output: 'qcow2',
    needs: ['qemu-img', 'openssl'],
    contestants: [
      ours({ name: 'native, with tree', image: 'os1.raw', options: [...ZSTD, ...PROOF] }),
      ours({ name: 'native, no tree', image: 'os1.raw', options: ZSTD }),
      ours({ name: 'pure, with tree', image: 'os1.raw', options: [...ZSTD, ...PROOF], env: PURE }),
      peer('qemu-img, then openssl', { image: 'os1.raw', argv: ['sh', '-c', CONVERT_THEN_HASH] }),
      bare('bare zstd', { image: 'os1.raw', work: 'zstd:3' }),
      bare('bare SHA-256', { image: 'os1.raw', work: 'sha256' }),
    ],
    goals: [
      { ours: 'native, with tree', peers: ['qemu-img, then openssl'], measure: 'wall', atMost: 0.48, limit: ['bare zstd', 'bare SHA-256'] },
      { ours: 'pure, with tree', peers: ['qemu-img, then openssl'], measure: 'wall', atMost: 0.58 },
      // B3: the tree may add 15 % to a native export.
      { ours: 'native, with tree', peers: ['native, no tree'], measure: 'wall', atMost: 1.15 },
    ],
  },
  {
    id: 'B1',
    title: 'SHA-256 of a file',
    image: 'rand.raw',
    needs: ['openssl'],
    contestants: [
      ourProgram('ours', { program: 'hash-file', image: 'rand.raw' }),
      peer('openssl', { image: 'rand.raw', argv: ['openssl', 'dgst', '-sha256', 'IN'] }),
      peer('sha256sum', { image: 'rand.raw', argv: ['sha256sum', 'IN'] }),
    ],
    goals: [{ ours: 'ours', peers: ['openssl'], measure: 'wall', atMost: 1 }],
  },
  {
    id: 'B2',
    title: 'hash tree of a disk in leaves of 4 MiB',
    image: 'rand.raw',
    needs: ['openssl'],
    contestants: [
      ourProgram('ours', { program: 'digest', image: 'rand.raw' }),
      peer('openssl', { image: 'rand.raw', argv: ['openssl', 'dgst', '-sha256', 'IN'] }),
      bare('bare SHA-256', { image: 'rand.raw', work: 'sha256' }),
    ],
    goals: [{ ours: 'ours', peers: ['openssl'], measure: 'wall', atMost: 0.52, limit: ['bare SHA-256'] }],
  },
  {
    id: 'B2-hole',
    title: 'hash tree of a hole of 1 TiB',
    image: 'huge.raw',
    needs: [],
    contestants: [ourProgram('ours', { program: 'digest', image: 'huge.raw' })],
    goals: [],
  },
];
