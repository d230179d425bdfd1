import { expect, test } from 'vitest';
import { damagePackage, packageSeeds } from './package-seeds.ts';
import { Random } from './random.ts';
import { readPackage } from './read-package.ts';

test('two thousand damaged parts of packages are read or refused in words, never anything else', () => {
  const tally = { read: 0, refused: 0 };
  for (let number = 1; number <= 2000; number += 1) {
    const random = new Random(number);
    const seed = random.pick(packageSeeds);
    tally[readPackage(seed.part, damagePackage(seed, random))] += 1;
  }
  expect(tally.read).toBeGreaterThan(100);
  expect(tally.refused).toBeGreaterThan(500);
});

test('undamaged ones are read, but for the certificate, which is none', () => {
  for (const { part, bytes } of packageSeeds) expect(readPackage(part, bytes)).toBe(part === 'certificate' ? 'refused' : 'read');
});
