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

const named = (name: string, edit: VhdEdit, message: string, code: HostileVhd['code'] = 'image/refused-reference'): HostileVhd => ({
  name,
  code,
  message,
  bytes: editVhd('dynamic', edit),
});

const locator = (change: (header: Buffer) => void): VhdEdit =>
  all(asDifferencing({ parentId, name: 'base.vhd', relative: '.\\base.vhd' }), inHeader(change));

export const hostileParents = (): readonly HostileVhd[] => [
  named('a parent beside, not allowed', asDifferencing({ parentId, name: 'base.vhd' }), 'its parent "base.vhd"'),
  ...ELSEWHERE.map(([what, name]) => named(`${what} as parent`, asDifferencing({ parentId, name }), `its parent ${JSON.stringify(name)}`)),
  named('a relative path upwards as parent', asDifferencing({ parentId, name: '', relative: '..\\..\\x' }), 'its parent "..\\\\..\\\\x"'),
  named('a differencing disk without a parent', asDifferencing({ parentId, name: '' }), 'does not name its parent', 'image/malformed'),
  named(
    'a parent locator of 4 GiB',
    locator((header) => void header.writeUInt32BE(0xffff_ffff, 584)),
    'longer than any path',
    'image/malformed',
  ),
  named(
    'a parent locator beyond the file',
    locator((header) => void header.writeBigUInt64BE(2n ** 63n, 592)),
    'a parent locator lies beyond',
    'image/malformed',
  ),
];
