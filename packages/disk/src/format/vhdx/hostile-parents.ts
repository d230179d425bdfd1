import { buildChild, type ChildToBuild } from './build-child.ts';
import { AT } from './edit-vhdx.ts';
import type { Damage } from './hostile-vhdxs.ts';

const LINKAGE = '{00000000-0000-0000-0000-000000000001}';
const named = (path: string): ChildToBuild => ({ locator: { parent_linkage: LINKAGE, relative_path: path } });
/** The parent locator follows the other metadata. */
const LOCATOR = AT.parameters + 40;

/** Differencing disks that name what may not be opened, or name nothing. */
export const hostileParents: readonly Damage[] = [
  ...[
    'parent.vhdx',
    '.\\parent.vhdx',
    '..\\parent.vhdx',
    '/etc/passwd',
    'C:\\disks\\parent.vhdx',
    '\\\\server\\share\\parent.vhdx',
    'nbd://host/x',
    '..',
  ].map((path) => ({
    name: `a parent called ${path}`,
    code: 'image/refused-reference' as const,
    message: `over ${JSON.stringify(path)}`,
    make: () => buildChild(named(path)),
  })),
  {
    name: 'a parent that only a volume knows',
    code: 'image/refused-reference',
    message: 'Volume{1}',
    make: () => buildChild({ locator: { parent_linkage: LINKAGE, volume_path: '\\\\?\\Volume{1}\\parent.vhdx' } }),
  },
  {
    name: 'a parent without a path',
    code: 'image/malformed',
    message: 'has no path',
    make: () => buildChild({ locator: { parent_linkage: LINKAGE } }),
  },
  {
    name: 'a parent of no state',
    code: 'image/malformed',
    message: 'which state of its parent',
    make: () => buildChild({ locator: { relative_path: 'parent.vhdx' } }),
  },
  {
    name: 'a parent of a state that is no identifier',
    code: 'image/malformed',
    message: 'which state of its parent',
    make: () => buildChild({ locator: { parent_linkage: 'newest', relative_path: 'parent.vhdx' } }),
  },
  {
    name: 'a locator of an unknown type',
    code: 'image/unsupported',
    message: 'located in a way that is not known',
    make: () => buildChild({ ...named('parent.vhdx'), locatorType: '00000000-0000-0000-0000-000000000009' }),
  },
  {
    name: 'a locator without end',
    code: 'image/malformed',
    message: 'says it has 65535 entries',
    make: () => buildChild(named('parent.vhdx'), ({ bytes }) => void bytes.writeUInt16LE(65_535, LOCATOR + 18)),
  },
  {
    name: 'a locator whose text lies outside it',
    code: 'image/malformed',
    message: 'has a text of',
    make: () => buildChild(named('parent.vhdx'), ({ bytes }) => void bytes.writeUInt32LE(0xffff_fff0, LOCATOR + 20)),
  },
  {
    name: 'a locator of half a letter',
    code: 'image/malformed',
    message: 'has a text of 3 bytes',
    make: () => buildChild(named('parent.vhdx'), ({ bytes }) => void bytes.writeUInt16LE(3, LOCATOR + 28)),
  },
  {
    name: 'a locator with one key twice',
    code: 'image/malformed',
    message: 'the key "parent_linkage" twice',
    make: () => buildChild(named('parent.vhdx'), ({ bytes }) => void bytes.copy(bytes, LOCATOR + 32, LOCATOR + 20, LOCATOR + 32)),
  },
];
