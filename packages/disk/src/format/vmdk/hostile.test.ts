import { HyperError, MIB, type ReferencePolicy } from '@hypersdk/domain';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MemoryFile } from '../../file/memory-file.ts';
import { editVmdk, type EditedVmdk } from './edit-vmdk.ts';
import { hostileVmdks, type HostileVmdk } from './hostile-vmdks.ts';
import { vmdkReader } from './reader.ts';
import { vmdkSubformats } from './vmdk-plan.ts';

const hostile = hostileVmdks();

/** Opens, walks and reads the whole disk. */
function readAll(bytes: Uint8Array, references: ReferencePolicy): void {
  const openReference = (name: string): never => {
    throw new Error(`${name} was opened`);
  };
  using image = vmdkReader.open(new MemoryFile(bytes, 'hostile.vmdk'), { references, openReference, depth: 0 });
  const piece = new Uint8Array(64 * 1024);
  for (const { offset, length, kind } of image.extents({ offset: 0, length: image.virtualSize })) {
    for (let at = 0; kind === 'data' && at < length; at += piece.length)
      image.read(offset + at, piece.subarray(0, Math.min(piece.length, length - at)));
  }
}

function refusalOf({ bytes }: HostileVmdk, references: ReferencePolicy): unknown {
  try {
    readAll(bytes, references);
  } catch (error) {
    return error;
  }
  return undefined;
}

describe('a hostile VMDK is refused with its reason:', () => {
  test.each(hostile)('$name', (image) => {
    expect(refusalOf(image, 'refuse')).toMatchObject({ code: image.code, message: expect.stringContaining(image.message) });
  });

  test('there are many, and no two of one name', () => {
    expect(new Set(hostile.map(({ name }) => name)).size).toBeGreaterThan(60);
  });

  test('files in other places stay closed even when files beside may be opened', () => {
    const elsewhere = hostile.filter(({ code, name }) => code === 'image/refused-reference' && name !== 'an extent beside, not allowed');
    expect(elsewhere.length).toBeGreaterThan(8);
    for (const image of elsewhere) expect(refusalOf(image, 'beside')).toMatchObject({ code: 'image/refused-reference' });
  });

  test.each(vmdkSubformats)('any damage to the metadata of a %s disk is either refused or harmless', { timeout: 60_000 }, (subformat) => {
    const damages = fc.array(
      fc.record({ at: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }), value: fc.integer({ min: 0, max: 255 }) }),
      { minLength: 1, maxLength: 4 },
    );
    const where = fc.constantFrom<keyof EditedVmdk>('bytes', 'directory', 'table', 'nextTable', 'grain');
    fc.assert(
      fc.property(where, damages, (place, list) => {
        const bytes = editVmdk(subformat, (image) => {
          // The header's fields, the footer when it is one, or the first bytes of a table or grain.
          const start = place === 'bytes' ? 0 : Number(image[place]);
          for (const { at, value } of list) image.bytes[start + Math.floor(at * 80)] = value;
          if (place === 'bytes' && subformat === 'streamOptimized') image.bytes.copyWithin(image.bytes.length - 1024, 0, 56);
        });
        const outcome = refusalOf({ name: '', bytes, code: 'image/malformed', message: '' }, 'refuse');
        if (outcome !== undefined) expect(outcome).toBeInstanceOf(HyperError);
      }),
      { numRuns: 300 },
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
