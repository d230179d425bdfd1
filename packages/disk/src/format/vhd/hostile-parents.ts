import { all, asDifferencing, editVhd, inHeader, type VhdEdit } from './edit-vhd.ts';
import type { HostileVhd } from './hostile-vhds.ts';

const parentId = '00112233445566778899aabbccddeeff';

/** Names that lead elsewhere; with leave to open files beside the image they are refused all the same. */
const ELSEWHERE: readonly (readonly [string, string])[] = [
  ['a host file', '/etc/passwd'],
  ['a path upwards', '../x'],
  ['a path of Windows', 'C:\\VMs\\base.vhd'],
  ['a share', '\\\\server\\share\\base.vhd'],
  ['a folder below', 'sub/base.vhd'],
  ['a protocol', 'json:{"file.filename":"/etc/passwd"}'],
  ['the folder', '..'],
  ['a line of a terminal', 'a\u001b[31m'],
];

const refused = (name: string, message: string, edit: VhdEdit): HostileVhd => ({
  name,
  code: 'image/refused-reference',
  message,
  bytes: editVhd('dynamic', edit),
});
const malformed = (name: string, message: string, edit: VhdEdit): HostileVhd => ({ ...refused(name, message, edit), code: 'image/malformed' });

const locator = (change: (header: Buffer) => void): VhdEdit =>
  all(asDifferencing({ parentId, name: 'base.vhd', relative: '.\\base.vhd' }), inHeader(change));

export const hostileParents = (): readonly HostileVhd[] => [
  refused('a parent beside, not allowed', 'its parent "base.vhd"', asDifferencing({ parentId, name: 'base.vhd' })),
  ...ELSEWHERE.map(([what, name]) => refused(`${what} as parent`, `its parent ${JSON.stringify(name)}`, asDifferencing({ parentId, name }))),
  refused('a relative path upwards as parent', 'its parent "..\\\\..\\\\x"', asDifferencing({ parentId, name: '', relative: '..\\..\\x' })),
  malformed('a differencing disk without a parent', 'does not name its parent', asDifferencing({ parentId, name: '' })),
  malformed(
    'a parent locator of 4 GiB',
    'longer than any path',
    locator((header) => void header.writeUInt32BE(0xffff_ffff, 584)),
  ),
  malformed(
    'a parent locator beyond the file',
    'a parent locator lies beyond',
    locator((header) => void header.writeBigUInt64BE(2n ** 63n, 592)),
  ),
];
