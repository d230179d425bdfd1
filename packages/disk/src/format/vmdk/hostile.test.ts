import { HyperError, type ReferencePolicy } from '@hypersdk/domain';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isCostly, refusalOf } from '../hostile-reading.ts';
import { buildChain, deltaKinds } from './build-chain.ts';
import { editVmdk, type EditedVmdk } from './edit-vmdk.ts';
import { hostileVmdks, type HostileVmdk } from './hostile-vmdks.ts';
import { vmdkReader } from './reader.ts';
import { vmdkContainers } from './vmdk-plan.ts';

const hostile = hostileVmdks();

const refuse = (image: Pick<HostileVmdk, 'bytes' | 'beside'>, references: ReferencePolicy = image.beside ? 'beside' : 'refuse'): unknown =>
  refusalOf(vmdkReader, image, references);

describe('a hostile VMDK is refused with its reason:', () => {
  test.each(hostile)('$name', (image) => {
    expect(refuse(image)).toMatchObject({ code: image.code, message: expect.stringContaining(image.message) });
  });

  test('there are many, and no two of one name', () => {
    expect(new Set(hostile.map(({ name }) => name)).size).toBeGreaterThan(110);
  });

  test('files in other places stay closed even when files beside may be opened', () => {
    const elsewhere = hostile.filter(({ code, name }) => code === 'image/refused-reference' && !name.endsWith('beside, not allowed'));
    expect(elsewhere.length).toBeGreaterThan(8);
    for (const image of elsewhere) expect(refuse(image, 'beside')).toMatchObject({ code: 'image/refused-reference' });
  });

  test.each(vmdkContainers)('any damage to the metadata of a %s disk is either refused or harmless', { timeout: 60_000 }, (subformat) => {
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
        const outcome = refuse({ bytes });
        if (outcome !== undefined) expect(outcome).toBeInstanceOf(HyperError);
      }),
      { numRuns: 300 },
    );
  });

  test.each(deltaKinds)('any damage to a %s delta is either refused or harmless', { timeout: 60_000 }, (kind) => {
    const { files, top } = buildChain([1, 2, 3, 4], [{ kind, cells: ['hole', 'zero', 5, 'hole'] }], { firstGrain: 0 });
    const own = Object.keys(files).filter((name) => !name.startsWith('base'));
    const damages = fc.array(fc.record({ at: fc.nat(8191), value: fc.integer({ min: 0, max: 255 }) }), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(fc.constantFrom(...own), damages, (name, list) => {
        const damaged = Uint8Array.from(files[name] ?? []);
        for (const { at, value } of list) damaged[at % damaged.length] = value;
        const { [top]: bytes = damaged, ...beside } = { ...files, [name]: damaged };
        const outcome = refuse({ bytes, beside });
        if (outcome !== undefined) expect(outcome).toBeInstanceOf(HyperError);
      }),
      { numRuns: 200 },
    );
  });

  test('in little time and memory', () => {
    const costly = hostile.filter((image) => isCostly(() => refuse(image)));
    expect(costly.map(({ name }) => name)).toEqual([]);
  });
});
