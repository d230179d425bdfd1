import { HyperError } from '@hypersdk/domain';
import { describe, expect, test } from 'vitest';
import { describeError, exitCodeOf, toErrorDocument, toHyperError } from './error-report.ts';

describe('an error for people', () => {
  test('says what and why, then how to mend it', () => {
    const error = new HyperError('target/full', 'web-01 disk 2: the target is full (needs 3.1 GiB, 212 MiB free).');
    expect(describeError(error)).toBe(
      'hyperexport: web-01 disk 2: the target is full (needs 3.1 GiB, 212 MiB free). Make room on the target, then run the same command: it goes on where it stopped.',
    );
  });

  test('promises nothing of a copy that is not kept', () => {
    const error = new HyperError('target/full', 'It is full', { detail: { kept: false } });
    expect(describeError(error)).toBe('hyperexport: It is full. Make room on the target, then run the same command.');
    expect(toErrorDocument(error).error.mend).not.toContain('goes on');
  });

  test('with a run to go on with still says first what has to be mended', () => {
    const full = new HyperError('target/full', 'The file system is full.', { detail: { resume: '7Q4M2K' } });
    expect(describeError(full)).toBe(
      'hyperexport: The file system is full. Make room on the target. What was copied is kept; to go on: hyperexport resume 7Q4M2K',
    );
    const stopped = new HyperError('transfer/cancelled', 'Stopped as asked', { detail: { resume: '7Q4M2K' } });
    expect(describeError(stopped)).toBe('hyperexport: Stopped as asked. The copy is kept and goes on where it stopped: hyperexport resume 7Q4M2K');
  });

  test('is one line, whatever a foreign name holds', () => {
    expect(describeError(new HyperError('source/not-found', 'There is no file "a\n\u001B[2Jb"'))).toMatch(
      /^hyperexport: There is no file "a \[2Jb"\. Check/,
    );
  });
});

test('the exit code is the one of the table', () => {
  expect(exitCodeOf(new HyperError('usage/invalid', 'x'))).toBe(64);
  expect(exitCodeOf(new HyperError('transfer/cancelled', 'x'))).toBe(130);
});

test('the document carries code, message, mend and detail', () => {
  expect(toErrorDocument(new HyperError('verify/mismatch', 'Leaf 3 differs.', { detail: { leaf: 3 } }))).toEqual({
    error: {
      code: 'verify/mismatch',
      message: 'Leaf 3 differs.',
      mend: 'Do not use this copy; export the disk again from its source.',
      detail: { leaf: 3 },
    },
  });
});

test('what is thrown by accident is called a defect and keeps its stack', () => {
  const error = toHyperError(new TypeError('x is not a function'));
  expect(error.code).toBe('internal/unexpected');
  expect(error.message).toBe('x is not a function.');
  expect(error.detail).toHaveProperty('stack');
});

test('of two failures the first is to be mended, and that cleaning up failed too is told with it', () => {
  const first = new HyperError('target/full', 'The target is full', { detail: { path: '/x' } });
  const told = toHyperError(new SuppressedError(new HyperError('vm/busy', 'The job goes on.'), first, 'cleaning up failed too'));
  expect(told).toMatchObject({ code: 'target/full', message: 'The target is full. Cleaning up after it failed too: The job goes on.', cause: first });
  expect(told.detail).toEqual({ path: '/x', cleaningUp: { code: 'vm/busy', message: 'The job goes on.' } });
  expect(toHyperError(new SuppressedError(new Error('cannot clean up'), first, 'cleaning up failed too')).code).toBe('target/full');
});
