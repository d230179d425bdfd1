import type { BenchCase } from '../harness/bench-case.ts';
import { compressedCases } from './compressed.ts';
import { proofCases } from './proof.ts';
import { remoteCases } from './remote.ts';
import { uncompressedCases } from './uncompressed.ts';

export const allCases: readonly BenchCase[] = [...uncompressedCases, ...compressedCases, ...proofCases, ...remoteCases];
