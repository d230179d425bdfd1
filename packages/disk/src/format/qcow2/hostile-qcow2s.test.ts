import { HyperError } from '@hypersdk/domain';
import { describe, expect, test } from 'vitest';
import { MemoryFile } from '../../file/memory-file.ts';
import type { HostileQcow2 } from './edit-qcow2.ts';
import { hostileQcow2s } from './hostile-qcow2s.ts';
import { qcow2Reader } from './reader.ts';

const hostile = hostileQcow2s();

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

function costOf(run: () => unknown): { readonly ms: number; readonly bytes: number } {
  const memory = process.memoryUsage();
  const start = performance.now();
  run();
  const after = process.memoryUsage();
  return { ms: performance.now() - start, bytes: after.arrayBuffers + after.heapUsed - memory.arrayBuffers - memory.heapUsed };
}
