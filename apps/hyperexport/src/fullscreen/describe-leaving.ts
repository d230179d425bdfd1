import { describeExport } from '../export/describe-export.ts';
import { printable } from '../output/printable.ts';
import type { Terminal } from '../terminal.ts';
import { isActive, type Job } from './jobs/jobs-state.ts';

const STOPPED_EXIT = 130;

/** What is told on the ordinary page after the screen is gone: each export that ended, and for each that did not, what goes on with it. */
export function describeLeaving(jobs: readonly Job[], terminal: Pick<Terminal, 'paint'>): string {
  return jobs.map((job) => describeJob(job, terminal)).join('');
}

function describeJob({ label, end, state }: Job, terminal: Pick<Terminal, 'paint'>): string {
  const name = printable(label);
  if (end?.kind === 'done') return end.finished.map((one) => `${describeExport(one, terminal)}\n`).join('');
  const goOn = end?.resume === undefined ? '' : ` To go on: hyperexport resume ${end.resume}`;
  if (end?.kind === 'failed' && state === 'failed') return `${terminal.paint('red', name)}: ${printable(end.problem)}${goOn}\n`;
  if (goOn !== '') return `${name}: stopped; what was copied is kept.${goOn}\n`;
  return isActive({ state }) ? `${name}: stopped; what was copied is kept. To go on: hyperexport resume\n` : `${name}: not begun.\n`;
}

/** A failure counts before a stop, a stop before success. */
export function exitCodeOfJobs(jobs: readonly Job[]): number {
  const failed = jobs.find((job) => job.state === 'failed');
  if (failed?.end?.kind === 'failed') return failed.end.exitCode;
  return jobs.some(({ state }) => state !== 'done') ? STOPPED_EXIT : 0;
}
