import { expect, test } from 'vitest';
import { damageSeed } from './damage-seed.ts';
import { damage } from './damage.ts';
import { Random } from './random.ts';
import { readAll } from './read-all.ts';
import { makeSeeds, pickSeed } from './seeds.ts';

test('a thousand damaged images are read or refused in words, never anything else', async () => {
  const seeds = await makeSeeds();
  const tally = { read: 0, refused: 0 };
  for (let number = 1; number <= 1000; number += 1) {
    const random = new Random(number);
    const seed = pickSeed(seeds, random);
    if (seed) tally[readAll(seed, damageSeed(seed, random))] += 1;
  }
  expect(tally.read).toBeGreaterThan(50);
  expect(tally.refused).toBeGreaterThan(50);
});

test('undamaged images of our own are read', async () => {
  for (const seed of (await makeSeeds()).sound) expect(readAll(seed, seed.bytes)).toBe('read');
});

test('the same seed makes the same damage', () => {
  const image = new Uint8Array(5000).fill(7);
  expect(damage(image, new Random(5))).toEqual(damage(image, new Random(5)));
  expect(damage(image, new Random(5))).not.toEqual(damage(image, new Random(6)));
});

test('a defect of a reader is not taken for a refusal', () => {
  const broken = Object.assign(new Uint8Array(4096), {
    subarray: () => {
      throw new TypeError('a defect');
    },
  });
  expect(() => readAll({ format: 'qcow2' }, broken)).toThrow(TypeError);
});
