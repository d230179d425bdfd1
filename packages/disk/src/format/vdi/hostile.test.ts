import { HyperError, MIB, type ReferencePolicy } from '@hypersdk/domain';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MemoryFile } from '../../file/memory-file.ts';
import { editVdi } from './edit-vdi.ts';
import { hostileVdis, type HostileVdi } from './hostile-vdis.ts';
import { vdiReader } from './reader.ts';

const hostile = hostileVdis();

/** Opens, walks and reads the whole disk. */
function readAll(bytes: Uint8Array, references: ReferencePolicy): void {
  const openReference = (name: string): never => {
    throw new Error(`${name} was opened`);
  };
  using image = vdiReader.open(new MemoryFile(bytes, 'hostile.vdi'), { references, openReference, depth: 0 });
  const piece = new Uint8Array(256 * 1024);
  for (const { offset, length, kind } of image.extents({ offset: 0, length: image.virtualSize })) {
    for (let at = 0; kind === 'data' && at < length; at += piece.length)
      image.read(offset + at, piece.subarray(0, Math.min(piece.length, length - at)));
  }
}

function refusalOf({ bytes }: Pick<HostileVdi, 'bytes'>, references: ReferencePolicy): unknown {
  try {
    readAll(bytes, references);
  } catch (error) {
    return error;
  }
  return undefined;
}

describe('a hostile VDI is refused with its reason:', () => {
  test.each(hostile)('$name', (image) => {
    expect(refusalOf(image, 'refuse')).toMatchObject({ code: image.code, message: expect.stringContaining(image.message) });
  });

  test('there are many, and no two of one name', () => {
    expect(new Set(hostile.map(({ name }) => name)).size).toBeGreaterThan(35);
  });

  test('any damage to header and table is either refused or harmless', { timeout: 60_000 }, () => {
    const damages = fc.array(fc.record({ at: fc.integer({ min: 64, max: 550 }), value: fc.nat(255) }), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(damages, (list) => {
        const bytes = editVdi((image) => list.forEach(({ at, value }) => image.writeUInt8(value, at)));
        const outcome = refusalOf({ bytes }, 'refuse');
        if (outcome !== undefined) expect(outcome).toBeInstanceOf(HyperError);
      }),
      { numRuns: 120 },
    );
  });

  test('in little time and memory', () => {
    // The goal is 50 ms, but code runs for the first time here.
    const costly = hostile.filter((image) => {
      const memory = process.memoryUsage().arrayBuffers;
      const began = process.threadCpuUsage();
      refusalOf(image, 'refuse');
      const { user, system } = process.threadCpuUsage(began);
      return user + system > 200_000 || process.memoryUsage().arrayBuffers - memory > 32 * MIB;
    });
    expect(costly.map(({ name }) => name)).toEqual([]);
  });
});
