/** A smoothed speed. Pure: every look answers a new one. */
export interface Rate {
  readonly done: number;
  readonly atMs: number;
  /** Bytes a millisecond, weighted towards the present, before correction for the short past. */
  readonly smoothed: number;
  /** How much of the past has been seen, 0 to 1; the speed is `smoothed / weight`. */
  readonly weight: number;
  /** When `done` last grew. */
  readonly grewAtMs: number;
}

// A look back of about five seconds: shorter, and a flush makes the figure jump; longer, and it says what was, not what is.
const MEMORY_MS = 5_000;

/** Begins at `done`, so that work settled earlier (by an attempt before this one) counts for nothing. */
export const startRate = (done: number, atMs: number): Rate => ({ done, atMs, smoothed: 0, weight: 0, grewAtMs: atMs });

/** Takes in that `done` bytes are done at `atMs`. A stall is a look at which nothing grew: it counts as speed zero for as long as it lasts. */
export function observeRate(rate: Rate, done: number, atMs: number): Rate {
  const passedMs = atMs - rate.atMs;
  if (passedMs <= 0) return rate;
  // A disk that begins anew takes its bytes back; that is no negative speed.
  const grown = Math.max(0, done - rate.done);
  const share = 1 - Math.exp(-passedMs / MEMORY_MS);
  return {
    done,
    atMs,
    smoothed: rate.smoothed + share * (grown / passedMs - rate.smoothed),
    weight: rate.weight + share * (1 - rate.weight),
    grewAtMs: grown > 0 ? atMs : rate.grewAtMs,
  };
}

/** Lets time pass without looking: for work that waits its turn and is neither fast nor slow. */
export const pauseRate = (rate: Rate, atMs: number): Rate => ({ ...rate, atMs, grewAtMs: atMs });

/** Bytes a second, or undefined before anything moved. */
export const bytesPerSecond = (rate: Rate): number | undefined => (rate.smoothed > 0 ? (rate.smoothed / rate.weight) * 1000 : undefined);
