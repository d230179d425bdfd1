import { HyperError, type ReferencePolicy } from '@hypersdk/domain';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isCostly, refusalOf } from '../hostile-reading.ts';
import { editVhd, inFooters, inHeader } from './edit-vhd.ts';
import { hostileVhds, type HostileVhd } from './hostile-vhds.ts';
import { vhdReader } from './reader.ts';

const hostile = hostileVhds();

const refuse = (image: Pick<HostileVhd, 'bytes'>, references: ReferencePolicy): unknown => refusalOf(vhdReader, image, references);

describe('a hostile VHD is refused with its reason:', () => {
  test.each(hostile)('$name', (image) => {
    expect(refuse(image, 'refuse')).toMatchObject({ code: image.code, message: expect.stringContaining(image.message) });
  });

  test('there are many, and no two of one name', () => {
    expect(new Set(hostile.map(({ name }) => name)).size).toBeGreaterThan(55);
  });

  test('parents in other places stay closed even when files beside may be opened', () => {
    const elsewhere = hostile.filter(({ code, name }) => code === 'image/refused-reference' && name !== 'a parent beside, not allowed');
    expect(elsewhere.length).toBeGreaterThan(8);
    for (const image of elsewhere) expect(refuse(image, 'beside')).toMatchObject({ code: 'image/refused-reference' });
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
