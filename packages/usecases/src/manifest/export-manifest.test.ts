import { createHash } from 'node:crypto';
import type { ExportManifest } from '@hypersdk/domain';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { unsealedManifest } from './build-export-manifest.ts';
import { canonicalJson } from './canonical-json.ts';
import { checkVMInfo, parseExportManifest, sealExportManifest, writeDocument } from './export-manifest.ts';

const sealed = sealExportManifest(unsealedManifest);

/** The bytes of the manifest after a change, with a digest that fits again. */
function forged(change: (json: Record<string, never>) => void): Uint8Array {
  const { selfDigest: _, ...json } = structuredClone(sealed) as ExportManifest & Record<string, never>;
  change(json);
  return writeDocument({ ...json, selfDigest: createHash('sha256').update(canonicalJson(json)).digest('hex') });
}

describe('export manifest', () => {
  test('what was sealed is read as it was', () => {
    expect(parseExportManifest(writeDocument(sealed))).toEqual({ ...unsealedManifest, selfDigest: sealed.selfDigest });
  });

  test('the order of members and white space do not matter to the digest', () => {
    expect(parseExportManifest(new TextEncoder().encode(canonicalJson(sealed)))).toEqual(sealed);
  });

  test('a change of any single byte is noticed, or changes nothing that is read', () => {
    const bytes = writeDocument(sealed);
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const changed = bytes.slice();
        changed[at] = (changed[at] ?? 0) ^ flip;
        return readsAs(changed) === 'refused' || readsAs(changed) === canonicalJson(sealed);
      }),
    );
  });

  test('a manifest cut short anywhere is refused', () => {
    const bytes = writeDocument(sealed);
    // The last byte is a line break, without which it is still whole.
    for (let length = 0; length < bytes.length - 1; length += 7) expect(readsAs(bytes.slice(0, length))).toBe('refused');
  });

  test.each<readonly [string, string, (json: Record<string, never>) => void]>([
    ['an unknown field', 'extra', (json) => Object.assign(json, { extra: 1 })],
    ['an unknown field deep inside', 'disks[0].content', (json) => Object.assign(json['disks']?.[0]?.['content'] ?? {}, { extra: 1 })],
    ['a root that is no digest', 'disks[0].content.root', (json) => Object.assign(json['disks']?.[0]?.['content'] ?? {}, { root: 'B'.repeat(64) })],
    ['a file outside its folder', 'disks[0].file', (json) => Object.assign(json['disks']?.[0] ?? {}, { file: '../disk-0.qcow2' })],
    ['a receipt outside its folder', 'receipts[0]', (json) => Object.assign(json, { receipts: ['/etc/passwd'] })],
    ['fewer receipts than disks', 'receipts', (json) => Object.assign(json, { receipts: [] })],
    ['a size that is not exact', 'disks[0].fileSize', (json) => Object.assign(json['disks']?.[0] ?? {}, { fileSize: 2 ** 53 })],
    ['a size below zero', 'vm.disks[0].virtualSize', (json) => Object.assign(json['vm']?.['disks']?.[0] ?? {}, { virtualSize: -1 })],
    ['a file named twice', 'disks', (json) => Object.assign(json['disks']?.[0] ?? {}, { leaves: 'disk-0.qcow2' })],
    ['another version', 'version', (json) => Object.assign(json, { version: 2 })],
    ['a local time', 'startedAt', (json) => Object.assign(json, { startedAt: '2026-01-01T00:00:00+01:00' })],
    ['no disks', 'disks', (json) => Object.assign(json, { disks: [], receipts: [] })],
  ])('%s is refused by the name of its field', (_, field, change) => {
    expect(() => parseExportManifest(forged(change))).toThrow(
      expect.objectContaining({ code: 'manifest/malformed', message: expect.stringContaining(field) }),
    );
  });

  test('a digest that does not fit is refused by its name', () => {
    expect(() => parseExportManifest(writeDocument({ ...sealed, exportId: 'another' }))).toThrow('selfDigest');
  });

  test('bytes that are no document of ours are refused before they cost anything', () => {
    const deep = new TextEncoder().encode('['.repeat(10_000) + ']'.repeat(10_000));
    for (const bytes of [
      new Uint8Array(0),
      Uint8Array.of(0xff, 0xfe),
      deep,
      new Uint8Array(16 * 1024 * 1024 + 1).fill(32),
      new TextEncoder().encode('null'),
    ]) {
      expect(readsAs(bytes)).toBe('refused');
    }
  });

  test('brackets inside texts are not depth', () => {
    const name = '[[[{{{"\\'.repeat(50);
    const manifest = sealExportManifest({ ...unsealedManifest, vm: { ...unsealedManifest.vm, name } });
    expect(parseExportManifest(writeDocument(manifest)).vm.name).toBe(name);
  });

  test('a description that no manifest could hold is refused by the name of its field', () => {
    expect(() => checkVMInfo({ ...unsealedManifest.vm, os: 'x'.repeat(5000) })).toThrow('field os');
    expect(() => sealExportManifest({ ...unsealedManifest, exportId: '' })).toThrow('field exportId');
  });
});

function readsAs(bytes: Uint8Array): string {
  try {
    return canonicalJson(parseExportManifest(bytes));
  } catch (error) {
    expect(error).toMatchObject({ code: 'manifest/malformed' });
    return 'refused';
  }
}
