import { Worker } from 'node:worker_threads';
import { describe, expect, test } from 'vitest';
import { Throttle } from './throttle.ts';

const MIB = 1024 ** 2;

describe('a throttle', () => {
  test('lets the first bytes go at once and makes those after them wait', () => {
    const throttle = new Throttle(Throttle.create(1_000_000));
    expect(throttle.take(100_000, 0)).toBe(0);
    expect(throttle.take(500_000, 0)).toBe(0);
    expect(throttle.take(1, 0)).toBe(500);
    expect(throttle.take(1, 400)).toBeCloseTo(100, 2);
    expect(throttle.take(1, 600)).toBe(0);
  });

  test('keeps the rate over a long time, whatever the size of the pieces', () => {
    for (const piece of [1000, 64 * 1024, 4 * MIB]) {
      const sent = simulate({ memory: Throttle.create(10 * MIB), pieces: [piece], untilMs: 60_000 });
      expect(sent[0]).toBeGreaterThan(600 * MIB - piece);
      expect(sent[0]).toBeLessThan(601 * MIB + 2 * piece);
    }
  });

  test('a pause saves up a tenth of a second, not more', () => {
    const throttle = new Throttle(Throttle.create(1_000_000));
    expect(throttle.take(100_000, 3_600_000)).toBe(0);
    expect(throttle.take(1_000_000, 3_600_000)).toBe(0);
    expect(throttle.take(1, 3_600_000)).toBe(1000);
  });

  test('shares the rate equally between threads that ask for equal pieces', () => {
    const sent = simulate({ memory: Throttle.create(8 * MIB), pieces: [MIB, MIB, MIB, MIB], untilMs: 100_000 });
    for (const bytes of sent) expect(Math.abs(bytes - 200 * MIB)).toBeLessThanOrEqual(2 * MIB);
  });

  test('never starves a thread with small pieces beside ones with large pieces', () => {
    const [small = 0] = simulate({ memory: Throttle.create(8 * MIB), pieces: [64 * 1024, 4 * MIB, 4 * MIB], untilMs: 100_000 });
    // One small piece for each two large ones is its turn in the queue.
    expect(small / (64 * 1024)).toBeGreaterThanOrEqual(95);
  });

  test('a new rate holds for what is booked but not due', () => {
    const throttle = new Throttle(Throttle.create(1000));
    throttle.take(100_100, 0);
    expect(throttle.take(0, 0)).toBe(100_000);
    throttle.setRate(1_000_000, 0);
    expect(throttle.bytesPerSecond).toBe(1_000_000);
    expect(throttle.take(0, 0)).toBe(100);
    throttle.setRate(500_000, 0);
    expect(throttle.take(0, 0)).toBe(200);
  });

  test('a new rate does not make saved-up time into debt or credit', () => {
    const throttle = new Throttle(Throttle.create(1_000_000));
    throttle.setRate(1000, 5000);
    expect(throttle.take(100, 5000)).toBe(0);
    expect(throttle.take(0, 5000)).toBe(0);
    expect(throttle.take(1000, 5000)).toBe(0);
    expect(throttle.take(0, 5000)).toBe(1000);
  });

  test('loses no booking when threads book at the same moment', async () => {
    const memory = Throttle.create(1_000_000);
    await Promise.all(Array.from({ length: 3 }, () => bookOnThread({ memory, takes: 20_000 })));
    // 60,000 takes of 100 bytes at one byte a microsecond, less the tenth of a second that was saved up.
    expect(new Throttle(memory).take(0, 0)).toBe(5900);
  });

  test('refuses what is no rate', () => {
    for (const rate of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) expect(() => Throttle.create(rate)).toThrow(RangeError);
  });
});

interface Simulation {
  readonly memory: SharedArrayBuffer;
  /** The size that each thread asks for. */
  readonly pieces: readonly number[];
  readonly untilMs: number;
}

/** Threads that ask, wait as told, send in no time, and ask again, on a clock of their own. Answers the bytes each has sent. */
function simulate({ memory, pieces, untilMs }: Simulation): readonly number[] {
  const threads = pieces.map((piece) => ({ piece, throttle: new Throttle(memory), nextMs: 0, sent: 0 }));
  for (;;) {
    const thread = threads.reduce((first, other) => (other.nextMs < first.nextMs ? other : first));
    if (thread.nextMs >= untilMs) return threads.map(({ sent }) => sent);
    const waitMs = thread.throttle.take(thread.piece, thread.nextMs);
    if (thread.nextMs + waitMs < untilMs) thread.sent += thread.piece;
    // A wait of nothing still takes the time of a call.
    thread.nextMs += Math.max(waitMs, 0.001);
  }
}

function bookOnThread({ memory, takes }: { readonly memory: SharedArrayBuffer; readonly takes: number }): Promise<void> {
  const script = `
    const { workerData } = require('node:worker_threads');
    import('${new URL('throttle.ts', import.meta.url).href}').then(({ Throttle }) => {
      const throttle = new Throttle(workerData.memory);
      for (let take = 0; take < workerData.takes; take += 1) throttle.take(100, 0);
    });`;
  return new Promise((resolve, reject) => {
    const worker = new Worker(script, { eval: true, workerData: { memory, takes } });
    worker.once('error', reject);
    worker.once('exit', () => resolve());
  });
}
