import { HyperError, type ReferencePolicy } from '@hypersdk/domain';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isCostly, refusalOf } from '../hostile-reading.ts';
import { editVdi } from './edit-vdi.ts';
import { hostileVdis, type HostileVdi } from './hostile-vdis.ts';
import { vdiReader } from './reader.ts';

const hostile = hostileVdis();

const refuse = (image: Pick<HostileVdi, 'bytes'>, references: ReferencePolicy): unknown => refusalOf(vdiReader, image, references);

describe('a hostile VDI is refused with its reason:', () => {
  test.each(hostile)('$name', (image) => {
    expect(refuse(image, 'refuse')).toMatchObject({ code: image.code, message: expect.stringContaining(image.message) });
  });

  test('there are many, and no two of one name', () => {
    expect(new Set(hostile.map(({ name }) => name)).size).toBeGreaterThan(35);
  });

  test('any damage to header and table is either refused or harmless', { timeout: 60_000 }, () => {
    const damages = fc.array(fc.record({ at: fc.integer({ min: 64, max: 550 }), value: fc.nat(255) }), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(damages, (list) => {
        const bytes = editVdi((image) => list.forEach(({ at, value }) => image.writeUInt8(value, at)));
        const outcome = refuse({ bytes }, 'refuse');
        if (outcome !== undefined) expect(outcome).toBeInstanceOf(HyperError);
      }),
      { numRuns: 120 },
    );
  });

  test('in little time and memory', () => {
    const costly = hostile.filter((image) => isCostly(() => refuse(image, 'refuse')));
    expect(costly.map(({ name }) => name)).toEqual([]);
  });
});
