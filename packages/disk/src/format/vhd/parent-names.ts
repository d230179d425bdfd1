// Virtual Hard Disk Image Format Specification 1.0, "Dynamic Disk Header Format": Parent Unicode Name and Parent Locator Entries.
import { KIB } from '@hypersdk/domain';
import type { ByteFile } from '../../file/byte-file.ts';
import { toByteCount } from '../../file/safe-number.ts';
import { LOCATORS, PARENT_NAME, type DynamicHeader } from './dynamic-header.ts';
import { malformed } from './vhd-refusal.ts';

/** The longest path of Windows has 32,767 characters of two bytes. */
const LOCATOR_LENGTH_MAX = 64 * KIB;

/** Platform codes of the two locators that programs in use write. Both are UTF-16, little-endian. */
const RELATIVE_PATH = 'W2ru';
const ABSOLUTE_PATH = 'W2ku';

/** How a differencing disk spells the name of its parent: the relative path first, as Hyper-V looks for it. */
export function parentNames(file: ByteFile, header: DynamicHeader): readonly string[] {
  const located = locators(file, header);
  const pathOf = (platform: string): readonly string[] => located.filter(({ code }) => code === platform).map(({ path }) => path);
  const names = [...pathOf(RELATIVE_PATH), unicodeName(header), ...pathOf(ABSOLUTE_PATH)];
  return [...new Set(names.filter((name) => name !== ''))];
}

/** The path without the step into the image's own folder that relative paths begin with. */
export const withoutOwnFolder = (path: string): string => path.replace(/^\.[\\/]/, '');

/** Big-endian, ended by a zero unless it fills its field. */
function unicodeName({ bytes }: DynamicHeader): string {
  const field = Buffer.from(bytes.subarray(PARENT_NAME.offset, PARENT_NAME.offset + PARENT_NAME.length));
  return upToZero(field.swap16().toString('utf16le'));
}

function locators(file: ByteFile, { bytes, offset }: DynamicHeader): { readonly code: string; readonly path: string }[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  return Array.from({ length: LOCATORS.count }, (_, index) => LOCATORS.offset + index * LOCATORS.size).flatMap((at) => {
    const code = Buffer.from(bytes.subarray(at, at + 4)).toString('latin1');
    if (code !== RELATIVE_PATH && code !== ABSOLUTE_PATH) return [];
    const length = view.getUint32(at + 8);
    const place = toByteCount(view.getBigUint64(at + 16));
    const fault = (why: string) => malformed(why, { path: file.path, offset: offset + at });
    if (length > LOCATOR_LENGTH_MAX) throw fault(`a parent locator of ${length} bytes is longer than any path`);
    if (place === undefined || place + length > file.size) throw fault('a parent locator lies beyond the end of the file');
    const text = Buffer.alloc(length);
    file.read(place, text);
    return [{ code, path: upToZero(text.toString('utf16le')) }];
  });
}

const upToZero = (text: string): string => text.split('\0', 1)[0] ?? '';
