import { readFileSync } from 'node:fs';

/** Bytes that a process has asked the kernel to read, from files and pipes alike, over all its threads (proc(5), /proc/pid/io, rchar). */
export function bytesReadBy(process: number | 'self'): number {
  const match = /^rchar: (\d+)$/m.exec(readFileSync(`/proc/${process}/io`, 'utf8'));
  if (!match) throw new Error(`/proc/${process}/io does not say rchar.`);
  return Number(match[1]);
}

/** Whether every thread of the process has come to a stop. */
export const isStopped = (pid: number): boolean => /^State:\s+[TtZ]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
