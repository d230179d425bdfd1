import { bytesPerSecond, observeRate, pauseRate, startRate, type Rate } from './rate.ts';

/** Work of one kind over all disks, in bytes of data: holes cost next to nothing, so counting them would promise too much. */
interface WorkShare {
  readonly done: number;
  /** Undefined while the amount is not known. */
  readonly total: number | undefined;
  /** Some disk is at it now. */
  readonly active: boolean;
}

/** Everything between the first byte read and the last byte proven. */
export interface Work {
  readonly copy: WorkShare;
  readonly verify: WorkShare;
}

/** What has been seen of a running job. */
export interface Course {
  readonly startedAtMs: number;
  readonly copy: Rate;
  readonly verify: Rate;
}

export interface Estimate {
  /** Bytes a second of what goes on now. */
  readonly speed: number | undefined;
  /** Undefined while it is not known: too early, amount unknown, or nothing moves. */
  readonly remainingMs: number | undefined;
  /** For how long nothing has moved; 0 unless that is worth telling. */
  readonly stalledMs: number;
}

// Before this much has been seen, start-up and the first cached reads would be taken for the speed of the whole.
const KNOWN_AFTER_MS = 2_000;
// A checkpoint's flush can hold a slow disk up for some seconds; only then is it a stall.
const STALL_MS = 5_000;

export const startCourse = (work: Work, atMs: number): Course => ({
  startedAtMs: atMs,
  copy: startRate(work.copy.done, atMs),
  verify: startRate(work.verify.done, atMs),
});

export const observeCourse = (course: Course, work: Work, atMs: number): Course => ({
  startedAtMs: course.startedAtMs,
  copy: observeShare(course.copy, work.copy, atMs),
  verify: observeShare(course.verify, work.verify, atMs),
});

/** Time left from the data left, kind by kind. Verifying is taken to be as fast as copying until it has been seen. */
export function estimate(course: Course, work: Work): Estimate {
  const now = Math.max(course.copy.atMs, course.verify.atMs);
  const speed = speedNow(course, work);
  const idleMs = idle(course, work, now);
  if (idleMs >= STALL_MS) return { speed: 0, remainingMs: undefined, stalledMs: idleMs };
  if (now - course.startedAtMs < KNOWN_AFTER_MS) return { speed, remainingMs: undefined, stalledMs: 0 };
  return { speed, remainingMs: remaining(course, work), stalledMs: 0 };
}

function observeShare(rate: Rate, share: WorkShare, atMs: number): Rate {
  return share.active || share.done > rate.done ? observeRate(rate, share.done, atMs) : pauseRate(rate, atMs);
}

function speedNow(course: Course, work: Work): number | undefined {
  const copying = work.copy.active ? bytesPerSecond(course.copy) : undefined;
  const verifying = work.verify.active ? bytesPerSecond(course.verify) : undefined;
  if (copying === undefined) return verifying;
  return copying + (verifying ?? 0);
}

function remaining(course: Course, work: Work): number | undefined {
  if (work.copy.total === undefined || work.verify.total === undefined) return undefined;
  const copyLeft = Math.max(0, work.copy.total - work.copy.done);
  const verifyLeft = Math.max(0, work.verify.total - work.verify.done);
  const copySpeed = bytesPerSecond(course.copy);
  const verifySpeed = bytesPerSecond(course.verify) ?? copySpeed;
  // Side by side the two share the machine, so what they move together is what counts.
  if (work.copy.active && work.verify.active) return timeFor(copyLeft + verifyLeft, (copySpeed ?? 0) + (verifySpeed ?? 0));
  const copyMs = timeFor(copyLeft, copySpeed);
  const verifyMs = timeFor(verifyLeft, verifySpeed);
  return copyMs === undefined || verifyMs === undefined ? undefined : copyMs + verifyMs;
}

function timeFor(bytes: number, speed: number | undefined): number | undefined {
  if (bytes === 0) return 0;
  return speed ? (bytes / speed) * 1000 : undefined;
}

function idle(course: Course, work: Work, now: number): number {
  if (!work.copy.active && !work.verify.active) return 0;
  return now - Math.max(work.copy.active ? course.copy.grewAtMs : 0, work.verify.active ? course.verify.grewAtMs : 0);
}
