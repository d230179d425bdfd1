import { MIB } from '@hypersdk/domain';
import { describe, expect, test } from 'vitest';
import type { Terminal } from '../terminal.ts';
import { liveDisplay, plainDisplay, rowsTaken } from './progress-display.ts';
import type { ProgressLine } from './render-progress.ts';

const line = (label: string, stage = 'copying'): ProgressLine => ({
  label,
  stage,
  fraction: 0.5,
  estimate: { speed: MIB, remainingMs: 1_000, stalledMs: 0 },
});

interface Paper extends Terminal {
  written: string;
  resize(columns: number): void;
}

function paper(): Paper {
  let columns = 80;
  let changed = (): void => undefined;
  return {
    written: '',
    out: () => undefined,
    err(text) {
      this.written += text;
    },
    canRedraw: true,
    canAsk: false,
    unicode: true,
    columns: () => columns,
    rows: () => 24,
    paint: (_, text) => text,
    paintError: (_, text) => text,
    onResize(callback) {
      changed = callback;
      return { [Symbol.dispose]: () => void (changed = () => undefined) };
    },
    resize(to) {
      columns = to;
      changed();
    },
  };
}

describe('the live display', () => {
  test('goes back over exactly the rows it drew', () => {
    const terminal = paper();
    using display = liveDisplay(terminal);
    display.show({ lines: [line('a'), line('b')], total: line('total'), atMs: 0 });
    terminal.written = '';
    display.show({ lines: [line('a')], atMs: 250 });
    expect(terminal.written.startsWith('\r\u001B[3A\u001B[J')).toBe(true);
  });

  test('hides the cursor and gives it back', () => {
    const terminal = paper();
    {
      using display = liveDisplay(terminal);
      display.show({ lines: [line('a')], atMs: 0 });
      expect(terminal.written.startsWith('\u001B[?25l')).toBe(true);
    }
    expect(terminal.written.endsWith('\u001B[J\u001B[?25h')).toBe(true);
  });

  test('measures what it drew anew when the window gets narrower', () => {
    const terminal = paper();
    using display = liveDisplay(terminal);
    display.show({ lines: [line('a')], atMs: 0 });
    terminal.written = '';
    terminal.resize(30);
    // 79 columns wrap into three rows of a window 30 columns wide.
    expect(terminal.written.startsWith('\r\u001B[3A\u001B[J')).toBe(true);
    display[Symbol.dispose]();
  });

  test('leaves no listener on the process', () => {
    const before = process.listenerCount('exit');
    liveDisplay(paper())[Symbol.dispose]();
    expect(process.listenerCount('exit')).toBe(before);
  });
});

describe('the plain display', () => {
  test('speaks at a change of stage and every five seconds, without control characters', () => {
    const terminal = paper();
    using display = plainDisplay(terminal);
    for (let atMs = 0; atMs <= 11_000; atMs += 250) display.show({ lines: [line('a')], atMs });
    display.show({ lines: [line('a', 'verifying')], atMs: 11_250 });
    display.show({ lines: [line('a', 'done')], atMs: 11_500 });
    display.show({ lines: [line('a', 'done')], atMs: 31_500 });
    expect(terminal.written.split('\n').map((one) => one.split(' ')[1])).toEqual(['copying', 'copying', 'copying', 'verifying', 'done', undefined]);
    expect(terminal.written).toMatch(/^[\x20-\x7e\n]+$/);
  });
});

test('rows are counted by the width of the window', () => {
  expect(rowsTaken(['x'.repeat(79), ''], 80)).toBe(2);
  expect(rowsTaken(['x'.repeat(79)], 40)).toBe(2);
});
