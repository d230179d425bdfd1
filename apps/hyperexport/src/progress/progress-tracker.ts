import type { Clock, CopyProgress } from '@hypersdk/ports';
import { printable } from '../output/printable.ts';
import { addWork, fractionOf, toWork, type DiskProgress } from './disk-progress.ts';
import { estimate, observeCourse, startCourse, type Course, type Estimate, type Work } from './eta.ts';
import type { ProgressDisplay } from './progress-display.ts';
import type { ProgressLine } from './render-progress.ts';

// Four times a second: a moving bar for the eye, nothing for the machine.
const TICK_MS = 250;

interface Tracked {
  readonly disk: DiskProgress;
  readonly course?: Course;
}

/** Gathers what the disks of a run report and shows it at an even pace, also while nothing is reported, so that a stall is seen. */
export class ProgressTracker implements Disposable {
  readonly #display: ProgressDisplay;
  readonly #clock: Clock;
  readonly #verifyPercent: number;
  readonly #disks = new Map<string, Tracked>();
  readonly #timer: NodeJS.Timeout;
  #course: Course | undefined;
  #note: string | undefined;

  constructor(display: ProgressDisplay, o: { readonly clock: Clock; readonly verifyPercent: number }) {
    this.#display = display;
    this.#clock = o.clock;
    this.#verifyPercent = o.verifyPercent;
    this.#timer = setInterval(() => this.#show(), TICK_MS).unref();
  }

  /** Makes a disk known before it starts, so that the whole is known from the beginning. */
  expect(key: string, disk: Pick<DiskProgress, 'label' | 'allocatedSize'>): void {
    if (!this.#disks.has(key)) this.#disks.set(key, { disk: { ...disk, label: printable(disk.label), state: 'waiting' } });
  }

  report(key: string, label: string, progress: CopyProgress): void {
    const before = this.#disks.get(key);
    this.#disks.set(key, { ...before, disk: { ...before?.disk, label: printable(label), state: 'running', progress } });
  }

  done(key: string): void {
    const before = this.#disks.get(key);
    if (before) this.#disks.set(key, { ...before, disk: { ...before.disk, state: 'done' } });
  }

  /** Shows a sentence below the disks from now on. */
  note(text: string): void {
    this.#note = text;
    this.#show();
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#show();
    this.#display[Symbol.dispose]();
  }

  /** Nothing is shown of a run that has not begun: it may be refused. */
  #show(): void {
    if ([...this.#disks.values()].every(({ disk }) => disk.state === 'waiting')) return;
    const now = this.#clock.elapsed();
    const lines = [...this.#disks].map(([key, tracked]) => this.#line(key, tracked, now));
    this.#display.show({
      lines,
      atMs: now,
      ...(lines.length > 1 ? { total: this.#total(lines, now) } : {}),
      ...(this.#note ? { note: this.#note } : {}),
    });
  }

  #line(key: string, tracked: Tracked, now: number): ProgressLine {
    const { disk } = tracked;
    const [course, guess] = advance(tracked.course, toWork(disk, this.#verifyPercent), { now, started: disk.state !== 'waiting' });
    this.#disks.set(key, course ? { disk, course } : { disk });
    const stage = disk.state === 'running' ? (disk.progress?.stage ?? 'planning') : disk.state;
    return { label: disk.label, stage, fraction: fractionOf(disk, this.#verifyPercent), estimate: guess };
  }

  #total(lines: readonly ProgressLine[], now: number): ProgressLine {
    const disks = [...this.#disks.values()].map((tracked) => tracked.disk);
    const [course, guess] = advance(this.#course, addWork(disks.map((disk) => toWork(disk, this.#verifyPercent))), {
      now,
      started: disks.some((disk) => disk.state !== 'waiting'),
    });
    this.#course = course;
    const done = disks.filter((disk) => disk.state === 'done').length;
    return { label: 'total', stage: `${done}/${disks.length}`, fraction: weighted(disks, lines), estimate: guess };
  }
}

const NOTHING_KNOWN: Estimate = { speed: undefined, remainingMs: undefined, stalledMs: 0 };

function advance(
  course: Course | undefined,
  work: Work,
  o: { readonly now: number; readonly started: boolean },
): readonly [Course | undefined, Estimate] {
  if (!o.started) return [course, NOTHING_KNOWN];
  const next = course ? observeCourse(course, work, o.now) : startCourse(work, o.now);
  return [next, estimate(next, work)];
}

/** Disks weigh by their data, or by their span where that is not known. */
function weighted(disks: readonly DiskProgress[], lines: readonly ProgressLine[]): number {
  const weights = disks.map((disk) => disk.progress?.dataExpected ?? disk.allocatedSize ?? disk.progress?.virtualSize ?? 0);
  const sum = weights.reduce((total, weight) => total + weight, 0);
  if (sum === 0) return lines.every((line) => line.fraction === 1) ? 1 : 0;
  return lines.reduce((total, line, at) => total + line.fraction * ((weights[at] ?? 0) / sum), 0);
}
