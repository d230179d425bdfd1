import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ReferencePolicy } from '@hypersdk/domain';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { imageInspector } from '../inspect/image-inspector.ts';
import type { DiskImage } from './disk-image.ts';
import { openImage } from './open-image.ts';
import { buildChain, type BuiltChain } from './vmdk/build-chain.ts';

const { signal } = new AbortController();
let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'open-image-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const path = (...names: readonly string[]): string => join(folder, ...names);
const chain = buildChain(
  [1, 1, 1, 1],
  [
    { kind: 'vmfsSparse', cells: ['hole', 2, 'hole', 'hole'] },
    { kind: 'monolithicSparse', cells: ['hole', 'hole', 3, 'hole'] },
  ],
);

/** Writes the chain beside the image, but for the files named: those go into another folder. */
function write({ files }: BuiltChain, elsewhere: readonly string[] = []): readonly string[] {
  mkdirSync(path('vm'));
  mkdirSync(path('golden'));
  for (const [name, bytes] of Object.entries(files)) writeFileSync(path(elsewhere.includes(name) ? 'golden' : 'vm', name), bytes);
  return Object.keys(files).map((name) => path(elsewhere.includes(name) ? 'golden' : 'vm', name));
}

const open = (references: ReferencePolicy): DiskImage => openImage({ path: path('vm', chain.top), format: 'vmdk', references });
function expectWhole(references: ReferencePolicy): void {
  using image = open(references);
  const content = new Uint8Array(image.virtualSize);
  image.read(0, content);
  expect(Buffer.compare(content, chain.content)).toBe(0);
}
const expectRefusal = (references: ReferencePolicy, message: string): void =>
  expect(() => open(references)).toThrow(expect.objectContaining({ code: 'image/refused-reference', message: expect.stringContaining(message) }));

describe('files that an image names', () => {
  test('stay closed unless they may be opened', () => {
    write(chain);
    expectRefusal('refuse', 'holds only what changed since another disk, "layer-1.vmdk"');
    expectWhole('beside');
  });

  test('are found in other folders when the caller lists them, and nowhere else', () => {
    const all = write(chain, ['base.vmdk', 'base-flat.vmdk']);
    expect(() => open('beside')).toThrow(expect.objectContaining({ code: 'source/not-found' }));
    expectWhole({ listed: all });
    expectRefusal({ listed: all.filter((one) => !one.endsWith('base-flat.vmdk')) }, 'no file of that name is among those listed');
    // One beside the image counts no more than one anywhere else.
    expectRefusal({ listed: [path('golden', 'base.vmdk'), path('golden', 'base-flat.vmdk')] }, '"layer-1.vmdk"');
    expectRefusal({ listed: [] }, '"layer-1.vmdk"');
  });

  test('are known by the last part of a name that leads elsewhere', () => {
    const replaced = (name: string): Uint8Array =>
      Buffer.from(
        Buffer.from(chain.files['layer-1.vmdk'] ?? [])
          .toString('latin1')
          .replace('parentFileNameHint="base.vmdk"', `parentFileNameHint="${name}"`),
        'latin1',
      );
    const all = write(chain);
    for (const name of ['/vmfs/volumes/one/base.vmdk', '..\\..\\base.vmdk', 'C:\\VMs\\base.vmdk']) {
      writeFileSync(path('vm', 'layer-1.vmdk'), replaced(name));
      expectRefusal('beside', 'in another place');
      expectWhole({ listed: all });
    }
    writeFileSync(path('vm', 'layer-1.vmdk'), replaced('/vmfs/volumes/one/..'));
    expectRefusal({ listed: all }, 'in another place');
  });

  test('are not chosen between when two of the list have one name', () => {
    const all = write(chain);
    writeFileSync(path('golden', 'base.vmdk'), '');
    expectRefusal({ listed: [...all, path('golden', 'base.vmdk')] }, 'two of the files listed have that name');
  });

  test('are reached through a link only when the caller named the link', () => {
    const all = write(chain);
    renameSync(path('vm', 'base-flat.vmdk'), path('golden', 'flat'));
    symlinkSync(path('golden', 'flat'), path('vm', 'base-flat.vmdk'));
    expect(() => open('beside')).toThrow(expect.objectContaining({ code: expect.stringMatching(/^source\//) }));
    expectWhole({ listed: all });
  });
});

test('a change to any file of a chain changes the mark of its content', async () => {
  const all = write(chain);
  const image = { path: path('vm', chain.top), format: 'vmdk', references: 'beside' } as const;
  const marks = new Set([await imageInspector.mark(image, { signal })]);
  for (const [at, file] of all.entries()) {
    utimesSync(file, 1_000_000 + at, 1_000_000 + at);
    marks.add(await imageInspector.mark(image, { signal }));
  }
  expect(marks.size).toBe(all.length + 1);
});
