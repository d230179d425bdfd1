import { MIB } from '@hypersdk/domain';
import { describe, expect, test } from 'vitest';
import { describeProgress, renderProgress, type ProgressLine } from './render-progress.ts';

const line = (label: string, o: Partial<ProgressLine> = {}): ProgressLine => ({
  label,
  stage: 'copying',
  fraction: 0.54,
  estimate: { speed: 812 * MIB, remainingMs: 41_000, stalledMs: 0 },
  ...o,
});
const total = line('total', { fraction: 0.3 });

describe('the display', () => {
  test('shows label, stage, bar, percent, speed and time left of each disk and of all', () => {
    expect(
      renderProgress([line('web-01 disk 1'), line('web-01 disk 2', { stage: 'verifying' })], total, { columns: 80, rows: 24, unicode: true }),
    ).toEqual([
      'web-01 disk 1 copying    ████████████▉░░░░░░░░░░░  54%  812 MiB/s     0:41 left',
      'web-01 disk 2 verifying  ████████████▉░░░░░░░░░░░  54%  812 MiB/s     0:41 left',
      'total         copying    ███████▏░░░░░░░░░░░░░░░░  30%  812 MiB/s     0:41 left',
    ]);
  });

  test('never touches the last column, at any width', () => {
    for (let columns = 10; columns <= 200; columns += 1) {
      for (const one of renderProgress([line('a machine with quite a long name, disk 1'), line('b')], total, { columns, rows: 24, unicode: true })) {
        expect([...one].length).toBeLessThan(columns);
      }
    }
  });

  test('never needs more rows than there are and says what it leaves out', () => {
    const many = Array.from({ length: 40 }, (_, at) => line(`disk ${at}`, { stage: at < 35 ? 'waiting' : 'copying' }));
    const lines = renderProgress(many, total, { columns: 80, rows: 10, unicode: true });
    expect(lines).toHaveLength(9);
    expect(lines.filter((one) => one.includes('copying'))).toHaveLength(6);
    expect(lines.at(-2)).toBe('and 33 more');
  });

  test('is plain ASCII where the terminal speaks no Unicode, but for what is unknown', () => {
    expect(renderProgress([line('disk')], undefined, { columns: 80, rows: 24, unicode: false })[0]).toMatch(/^[\x20-\x7e]+$/);
  });
});

test('the sentence for logs has no drawing in it', () => {
  expect(describeProgress(line('web-01 disk 1'))).toBe('web-01 disk 1: copying 54%, 812 MiB/s, 0:41 left');
  expect(describeProgress(line('web-01 disk 1', { estimate: { speed: undefined, remainingMs: undefined, stalledMs: 0 } }))).toBe(
    'web-01 disk 1: copying 54%',
  );
});
