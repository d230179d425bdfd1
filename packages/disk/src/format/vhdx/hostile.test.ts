import { HyperError, type ReferencePolicy } from '@hypersdk/domain';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isCostly, refusalOf } from '../hostile-reading.ts';
import { AT, editVhdx, sectorChange } from './edit-vhdx.ts';
import { hostileVhdxs } from './hostile-vhdxs.ts';
import { vhdxReader } from './reader.ts';

const hostile = hostileVhdxs();
/** Machines that run much else at once. */
const TIMEOUT_MS = 60_000;

const refuse = (bytes: Uint8Array, references: ReferencePolicy): unknown => refusalOf(vhdxReader, { bytes }, references);

describe('a hostile VHDX is refused with its reason:', () => {
  test.each(hostile.map((image, index) => ({ name: image.name, index })))('$name', ({ index }) => {
    const image = hostile[index];
    expect(refuse(image?.bytes ?? new Uint8Array(0), 'refuse')).toMatchObject({
      code: image?.code,
      message: expect.stringContaining(image?.message ?? ''),
    });
  });

  test('there are many, and no two of one name', () => {
    expect(new Set(hostile.map(({ name }) => name)).size).toBe(hostile.length);
    expect(hostile.length).toBeGreaterThan(80);
  });

  test('files in other places stay closed even when files beside may be opened', () => {
    const elsewhere = hostile.filter(({ code, name }) => code === 'image/refused-reference' && !/called (?:\.\\)?parent/.test(name));
    expect(elsewhere.length).toBeGreaterThan(5);
    for (const image of elsewhere) expect(refuse(image.bytes, 'beside')).toMatchObject({ code: 'image/refused-reference' });
  });

  test('in little time and memory', { timeout: TIMEOUT_MS }, () => {
    const costly = hostile.filter(({ bytes }) => isCostly(() => refuse(bytes, 'refuse')));
    expect(costly.map(({ name }) => name)).toEqual([]);
  });
});

describe('any damage is either refused or harmless', { timeout: TIMEOUT_MS }, () => {
  const damages = fc.array(fc.record({ at: fc.nat(255), value: fc.integer({ min: 0, max: 255 }) }), { minLength: 1, maxLength: 4 });
  const expectSafe = (bytes: Uint8Array): void => {
    const outcome = refuse(bytes, 'beside');
    if (outcome !== undefined) expect(outcome).toBeInstanceOf(HyperError);
  };

  test.each<[string, readonly number[]]>([
    ['of the headers', [AT.olderHeader, AT.header]],
    ['of the region tables', [AT.regions, AT.regions + 65_536]],
    ['of the metadata table', [AT.metadata]],
    ['of metadata items', [AT.parameters]],
    ['of the block table', [AT.table]],
  ])('%s', (_, places) => {
    const property = fc.property(damages, (list) => {
      expectSafe(editVhdx(({ bytes }) => list.forEach(({ at, value }) => places.forEach((place) => void (bytes[place + at] = value)))));
    });
    fc.assert(property, { numRuns: 20 });
  });

  test('of entries of a log in use', () => {
    const property = fc.property(damages, fc.constantFrom(0, 4096), (list, within) => {
      const bytes = editVhdx((image) => {
        const change = sectorChange(image.bytes, AT.table, (sector) => list.forEach(({ at, value }) => void (sector[at] = value)));
        image.log([{ sequence: 1, changes: [change, { offset: AT.blocks, zeros: 8192 }] }]);
        if (within === 0) list.forEach(({ at, value }) => void (image.bytes[AT.log + at] = value));
      });
      expectSafe(bytes);
    });
    fc.assert(property, { numRuns: 20 });
  });
});
