import { HyperError, KIB } from '@hypersdk/domain';
import type { ImageSettings } from '@hypersdk/ports';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MemoryFile } from '../../file/memory-file.ts';
import { noise } from './arbitrary-qcow2.ts';
import { buildQcow2, contentOf } from './build-qcow2.ts';
import type { HostileQcow2 } from './edit-qcow2.ts';
import { hostileQcow2s } from './hostile-qcow2s.ts';
import { qcow2Reader } from './reader.ts';

const hostile = hostileQcow2s();

const damageable: readonly Omit<ImageSettings, 'format'>[] = [
  { clusterSize: 4 * KIB },
  { clusterSize: 4 * KIB, compression: 'zlib' },
  { clusterSize: 512, compression: 'zstd' },
  { clusterSize: 16 * KIB, extendedL2: true },
  { clusterSize: 4 * KIB, compatVersion: 2 },
];

/** Opens the image, walks and reads all of it. `self` is the name under which an image can name itself. */
function readAll({ bytes, references = 'refuse' }: HostileQcow2): void {
  const openReference = (name: string): MemoryFile => (name === 'self' ? new MemoryFile(bytes, 'self') : new MemoryFile(new Uint8Array(65536), name));
  using image = qcow2Reader.open(new MemoryFile(bytes, 'self'), { references, depth: 0, openReference });
  const whole = { offset: 0, length: image.virtualSize };
  for (const extent of image.extents(whole)) {
    if (extent.kind === 'data') image.read(extent.offset, new Uint8Array(extent.length));
  }
}

function refusalOf(image: HostileQcow2): HyperError {
  try {
    readAll(image);
  } catch (error) {
    if (error instanceof HyperError) return error;
    throw error;
  }
  throw new Error(`${image.name} was accepted.`);
}

describe('hostile qcow2 images', () => {
  test.each(hostile.map((image) => ({ ...image })))('$name is refused: $message', (image) => {
    const refusal = refusalOf(image);
    expect(refusal.message).toContain(image.message);
    expect(refusal.code).toBe(image.code);
    expect(refusal.detail['format']).toBe('qcow2');
  });

  test('the set is large, and its names differ', () => {
    expect(hostile.length).toBeGreaterThan(60);
    expect(new Set(hostile.map(({ name }) => name)).size).toBe(hostile.length);
  });

  test('none costs time or memory', { timeout: 60_000 }, () => {
    for (const image of hostile) {
      const tries = Array.from({ length: 3 }, () => costOf(() => refusalOf(image)));
      expect(Math.min(...tries.map(({ ms }) => ms)), image.name).toBeLessThan(50);
      expect(Math.min(...tries.map(({ bytes }) => bytes)), image.name).toBeLessThan(32 * 1024 * 1024);
    }
  });
});

describe('a damaged qcow2 image', () => {
  const sound = damageable.map((settings) => {
    const file = new MemoryFile();
    buildQcow2(file, contentOf(Buffer.concat([noise(20_000), Buffer.alloc(30_000, 7), Buffer.alloc(14_000)])), settings);
    return file.bytes;
  });
  /** A byte of the header, or of the 64 KiB in which tables and first streams lie. */
  const place = fc.oneof(
    fc.integer({ min: 0, max: 119 }),
    fc.integer({ min: 0, max: 64 * KIB - 1 }),
    fc.integer({ min: 0, max: 200 }).map((at) => 4 * KIB + at),
  );
  const damage = fc.array(fc.tuple(place, fc.oneof(fc.constantFrom(0, 1, 0x40, 0x80, 0xff), fc.integer({ min: 0, max: 255 }))), {
    minLength: 1,
    maxLength: 4,
  });

  test('is read or refused, whatever byte is wrong', { timeout: 60_000 }, () => {
    fc.assert(
      fc.property(fc.constantFrom(...sound), damage, (image, changes) => {
        const bytes = Uint8Array.from(image);
        for (const [at, value] of changes) bytes[at % bytes.length] = value;
        try {
          readAll({ name: 'damaged', bytes, code: 'image/malformed', message: '', references: 'beside' });
        } catch (error) {
          expect(error).toBeInstanceOf(HyperError);
        }
      }),
      { numRuns: 2000 },
    );
  });
});

function costOf(run: () => unknown): { readonly ms: number; readonly bytes: number } {
  const memory = process.memoryUsage();
  const start = performance.now();
  run();
  const after = process.memoryUsage();
  return { ms: performance.now() - start, bytes: after.arrayBuffers + after.heapUsed - memory.arrayBuffers - memory.heapUsed };
}
