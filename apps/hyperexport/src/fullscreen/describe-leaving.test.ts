import { describe, expect, test } from 'vitest';
import { describeLeaving, exitCodeOfJobs } from './describe-leaving.ts';
import type { Job } from './jobs/jobs-state.ts';

const plain = { paint: (_: string, text: string) => text };
const job = (label: string, about: Pick<Job, 'state' | 'end'>): Job => ({
  id: 1,
  label,
  order: { id: 1, line: ['export'], width: 1 },
  size: 1,
  ...about,
});
const stopped = job('db', { state: 'paused', end: { kind: 'stopped', resume: '7Q4M2K' } });
const failed = job('mail', {
  state: 'failed',
  end: { kind: 'failed', problem: 'The target is full. Make room.', canGoOn: true, exitCode: 75, resume: '7Q4M2L' },
});

describe('what is told after the screen', () => {
  test('names for each export that did not end what goes on with it', () => {
    expect(describeLeaving([stopped, failed, job('web\u001B[2J', { state: 'paused' })], plain)).toBe(
      'db: stopped; what was copied is kept. To go on: hyperexport resume 7Q4M2K\n' +
        'mail: The target is full. Make room. To go on: hyperexport resume 7Q4M2L\n' +
        'web [2J: not begun.\n',
    );
  });

  test('a failure counts before a stop, and a stop before success', () => {
    expect(exitCodeOfJobs([])).toBe(0);
    expect(exitCodeOfJobs([job('a', { state: 'done', end: { kind: 'done', finished: [] } })])).toBe(0);
    expect(exitCodeOfJobs([stopped])).toBe(130);
    expect(exitCodeOfJobs([stopped, failed])).toBe(75);
  });
});
