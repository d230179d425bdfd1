import { HyperError, MIB, type ReferencePolicy } from '@hypersdk/domain';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MemoryFile } from '../../file/memory-file.ts';
import { editVhd, inFooters, inHeader } from './edit-vhd.ts';
import { hostileVhds, type HostileVhd } from './hostile-vhds.ts';
import { vhdReader } from './reader.ts';

const hostile = hostileVhds();

/** Opens, walks and reads the whole disk. */
function readAll(bytes: Uint8Array, references: ReferencePolicy): void {
  const openReference = (name: string): never => {
    throw new Error(`${name} was opened`);
  };
  using image = vhdReader.open(new MemoryFile(bytes, 'hostile.vhd'), { references, openReference, depth: 0 });
  const piece = new Uint8Array(256 * 1024);
  for (const { offset, length, kind } of image.extents({ offset: 0, length: image.virtualSize })) {
    for (let at = 0; kind === 'data' && at < length; at += piece.length)
      image.read(offset + at, piece.subarray(0, Math.min(piece.length, length - at)));
  }
}

function refusalOf({ bytes }: Pick<HostileVhd, 'bytes'>, references: ReferencePolicy): unknown {
  try {
    readAll(bytes, references);
  } catch (error) {
    return error;
  }
  return undefined;
}

describe('a hostile VHD is refused with its reason:', () => {
  test.each(hostile)('$name', (image) => {
    expect(refusalOf(image, 'refuse')).toMatchObject({ code: image.code, message: expect.stringContaining(image.message) });
  });

  test('there are many, and no two of one name', () => {
    expect(new Set(hostile.map(({ name }) => name)).size).toBeGreaterThan(55);
  });

  test('parents in other places stay closed even when files beside may be opened', () => {
    const elsewhere = hostile.filter(({ code, name }) => code === 'image/refused-reference' && name !== 'a parent beside, not allowed');
    expect(elsewhere.length).toBeGreaterThan(8);
    for (const image of elsewhere) expect(refusalOf(image, 'beside')).toMatchObject({ code: 'image/refused-reference' });
  });

  test('any damage to footer, header and table, with right checksums or not, is either refused or harmless', { timeout: 60_000 }, () => {
    const damages = fc.array(fc.record({ at: fc.nat(99), value: fc.nat(255) }), { minLength: 1, maxLength: 4 });
    const places = fc.constantFrom('footer', 'footers', 'header', 'table');
    fc.assert(
      fc.property(places, damages, (place, list) => {
        const apply = (bytes: Buffer): void => list.forEach(({ at, value }) => bytes.writeUInt8(value, at));
        const bytes = editVhd('dynamic', (image) => {
          if (place === 'footers') inFooters(apply)(image);
          else if (place === 'header') inHeader(apply)(image);
          else apply(image.bytes.subarray(place === 'footer' ? image.footer : 1536));
        });
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
