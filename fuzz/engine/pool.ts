import type { FuzzReader } from './fuzz-reader.ts';
import { judge } from './judge.ts';
import { mutateBytes } from './mutate-bytes.ts';
import { mutatePlaces, type Place } from './mutate-places.ts';
import { PAGE_SIZE } from './paged-file.ts';
import { Random } from './random.ts';
import { copySample, type Sample } from './sample.ts';

export interface Entry {
  readonly sample: Sample;
  readonly places: readonly Place[];
  /** It was read without complaint: damage to it reaches places that a refused one never lets anybody see. */
  readonly isSound: boolean;
}

/** From what an input was made; enough to make it again. */
export interface Origin {
  readonly parent: number;
  readonly donor: number;
  readonly seed: number;
}

/** Of the newest entries more is expected. */
const NEWEST = 16;
const ATTEMPTS = 6;

/** Mostly an entry that is sound, and often one of the newest. */
export function pickOrigin(pool: readonly Entry[], seed: number): Origin {
  const random = new Random(seed);
  const pick = (): number => (random.below(3) === 0 ? Math.max(0, pool.length - 1 - random.below(NEWEST)) : random.below(pool.length));
  let parent = pick();
  // Of two, half of the time the one whose reader looks at less: it is cheaper, and damage meets its fields more often.
  const other = pick();
  if (random.below(2) === 0 && looksAt(pool[other]) < looksAt(pool[parent])) parent = other;
  if (random.below(4) > 0) for (let attempt = 0; attempt < ATTEMPTS && !pool[parent]?.isSound; attempt += 1) parent = pick();
  return { parent, donor: random.below(pool.length), seed };
}

const looksAt = (entry: Entry | undefined): number => entry?.places.length ?? 0;

export function makeInput(reader: FuzzReader, pool: readonly Entry[], { parent, donor, seed }: Origin): Sample {
  // The first number of a generator depends on its seed too evenly; another seed for another purpose.
  const random = new Random(Math.imul(seed, 0x9e37_79b1));
  const before = pool[parent];
  const other = pool[donor];
  if (!before || !other) throw new Error('The pool has no such entry.');
  const sample = reader.changes === 'places' ? mutatePlaces(before.sample, before.places, random) : mutateBytes(before.sample, other.sample, random);
  if (random.below(16) > 0) reader.mend?.(sample, { before: before.sample, random });
  return sample;
}

/** Runs a sample once more, sees where its reader looks, and leaves out what it does not look at. What was thrown was judged before. */
export async function toEntry(reader: FuzzReader, sample: Sample): Promise<Entry> {
  const watched = copySample(sample);
  for (const file of watched.files) file.asked = [];
  const isSound = (await judge(reader, watched).catch(() => 'broken')) === 'read';
  if (reader.changes === 'bytes') return { sample, places: [], isSound };
  const places = watched.files.flatMap((file, index) => (file.asked ?? []).map(({ offset, length }) => ({ file: index, offset, length })));
  const files = watched.files.map((file) => {
    const seen = new Set<number>();
    for (const { offset, length } of file.asked ?? [])
      for (let index = Math.floor(offset / PAGE_SIZE); index * PAGE_SIZE < offset + length; index += 1) seen.add(index);
    return file.only(seen);
  });
  return { sample: { files }, places, isSound };
}
