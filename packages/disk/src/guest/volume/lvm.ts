// The LVM2 project's lib/format_text/layout.h and lvm(8): label, physical volume header, metadata area. All fields are little-endian.
import { crc32 } from 'node:zlib';
import type { ByteRange } from '@hypersdk/domain';
import { damaged } from '../damaged.ts';
import { dashed, type Fields } from '../fields.ts';
import { parseVolumeGroup, type VolumeGroup } from '../lvm/volume-group.ts';
import type { Span } from '../span.ts';
import { describe, readIfThere, type Recognised } from './recognised.ts';

/** An LVM physical volume, with the group that it knows itself to be part of. */
export interface PhysicalVolume extends Recognised {
  readonly id: string;
  readonly group?: VolumeGroup;
}

export const isPhysicalVolume = (found: Recognised): found is PhysicalVolume => found.content.kind === 'lvm-pv' && 'id' in found;

const SECTOR = 512;
/** The label stands in one of the first four sectors. */
const LABEL_SECTORS = 4;
const LABEL = { magic: 'LABELONE', type: 'LVM2 001', checksum: 16, headerOffset: 20, typeAt: 24 } as const;
/** What is summed: from behind the checksum to the end of the sector. */
const SUMMED_FROM = 20;
const ID_SIZE = 32;
const HEADER = { deviceSize: 32, areas: 40 } as const;
const AREA_SIZE = 16;
const AREAS_MAX = 16;
const AREA = { magic: ' LVM2 x[5A%r0N*>', magicAt: 4, size: 32, textOffset: 40, textSize: 48, textChecksum: 56, headerSize: 512 } as const;
/** Text of a group with some thousand logical volumes. */
const TEXT_SIZE_MAX = 1024 * 1024;
/** LVM's CRC-32 begins from this instead of from all ones. */
const CRC_START = 0xf597_a6cf;

export function recogniseLvm(span: Span): PhysicalVolume | undefined {
  for (let sector = 0; sector < LABEL_SECTORS; sector += 1) {
    const label = readIfThere(span, { offset: sector * SECTOR, length: SECTOR }, 'LVM label');
    if (label?.has(0, LABEL.magic) && label.has(LABEL.typeAt, LABEL.type)) return readPhysicalVolume(span, label);
  }
  return undefined;
}

function readPhysicalVolume(span: Span, label: Fields): PhysicalVolume {
  const header = label.part(label.u32(LABEL.headerOffset), SECTOR - label.u32(LABEL.headerOffset));
  const isSound = sumOf(label.bytes.subarray(SUMMED_FROM)) === label.u32(LABEL.checksum);
  const id = header.text(0, ID_SIZE, 'latin1');
  const { group, problem } = readGroup(span, header);
  const found = describe(
    {
      kind: 'lvm-pv',
      uuid: toLvmId(id),
      size: header.u64(HEADER.deviceSize),
      details: group ? { group: group.name, volumes: group.volumes.length } : {},
    },
    [...(isSound ? [] : ['The checksum of the LVM label is wrong.']), ...(problem === undefined ? [] : [problem])],
  );
  return { ...found, id: toLvmId(id), ...(group ? { group } : {}) };
}

/** As LVM writes its ids. */
const toLvmId = (id: string): string => dashed(id, [6, 4, 4, 4, 4, 4, 6]);

/** A volume may have no metadata of its own, when others of its group keep them, and belongs to no group at first. */
function readGroup(span: Span, header: Fields): { readonly group?: VolumeGroup; readonly problem?: string } {
  const [area] = metadataAreasOf(header);
  if (!area) return {};
  const head = span.read({ offset: area.offset, length: AREA.headerSize }, 'LVM metadata area');
  if (!head.has(AREA.magicAt, AREA.magic)) throw damaged('the LVM metadata area has no magic number');
  if (sumOf(head.bytes.subarray(4)) !== head.u32(0)) return { problem: 'The checksum of the LVM metadata area is wrong.' };
  const size = head.u64(AREA.textSize);
  if (size === 0) return {};
  if (size > TEXT_SIZE_MAX) throw damaged(`the LVM metadata are said to have ${size} bytes`);
  const text = readRing(span, { offset: area.offset, length: head.u64(AREA.size) }, { offset: head.u64(AREA.textOffset), length: size });
  if (sumOf(text) !== head.u32(AREA.textChecksum)) return { problem: 'The checksum of the LVM metadata is wrong.' };
  return { group: parseVolumeGroup(text.toString('utf8')) };
}

/** Two lists, each ended by zeros: where content may lie, and where metadata lie. */
function metadataAreasOf(header: Fields): readonly ByteRange[] {
  const lists: ByteRange[][] = [[], []];
  let at: number = HEADER.areas;
  for (const list of lists) {
    for (; header.u64(at) !== 0 || header.u64(at + 8) !== 0; at += AREA_SIZE) {
      if (list.length >= AREAS_MAX) throw damaged('the LVM header lists more areas than are looked at');
      list.push({ offset: header.u64(at), length: header.u64(at + 8) });
    }
    at += AREA_SIZE;
  }
  return lists[1] ?? [];
}

/** The text goes on behind the header when it reaches the end of its area. */
function readRing(span: Span, area: ByteRange, text: ByteRange): Buffer {
  const first = Math.min(text.length, area.length - text.offset);
  if (first < 0) throw damaged('the LVM metadata lie outside their area');
  const rest = text.length - first;
  const head = span.read({ offset: area.offset + text.offset, length: first }, 'LVM metadata');
  const tail = span.read({ offset: area.offset + AREA.headerSize, length: rest }, 'LVM metadata');
  return Buffer.concat([head.bytes, tail.bytes]);
}

/** The plain CRC-32 from another start; zlib's inverts on the way in and out. */
const sumOf = (bytes: Uint8Array): number => ~crc32(bytes, ~CRC_START >>> 0) >>> 0;
