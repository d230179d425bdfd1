import { expect, test } from 'vitest';
import { parseRateLimit } from '../rate/rate-limit.ts';
import { toArgs } from './to-args.ts';

test('flags become words in one order, without what was not named', () => {
  expect(
    toArgs({
      to: '/b',
      sourceFormat: 'raw',
      overwrite: true,
      followReferences: false,
      limitRate: parseRateLimit('50M'),
      compression: { compression: 'zstd', compressionLevel: 3 },
      disk: ['a', 'b'],
      name: undefined,
    }),
  ).toEqual(['--compression=zstd:3', '--disk=a', '--disk=b', '--limit-rate=52428800', '--overwrite', '--source-format=raw', '--to=/b']);
});
