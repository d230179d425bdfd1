// "NTFS Documentation" of the Linux-NTFS project: "$Boot", "$Volume". All fields are little-endian.
import { HyperError } from '@hypersdk/domain';
import { damaged } from '../damaged.ts';
import type { Fields } from '../fields.ts';
import { openNtfsFiles } from '../files/ntfs-files.ts';
import { attributeOf, openRecords, type NtfsGeometry, type NtfsRecords } from '../files/ntfs-records.ts';
import type { Span } from '../span.ts';
import { checkFits, describe, readIfThere, type Recognised } from './recognised.ts';

const BOOT_SECTOR = { offset: 0, length: 512 } as const;
const NAME = 'NTFS    ';
const FIELD = { name: 3, sectorSize: 11, clusterSectors: 13, sectors: 40, table: 48, recordSize: 64, indexSize: 68, serial: 72 } as const;
const VOLUME_RECORD = 3;
const VOLUME_NAME = 0x60;
const VOLUME_INFORMATION = 0x70;
const INFORMATION = { major: 8, minor: 9, flags: 10 } as const;
const DIRTY = 1;
/** 128 letters, the most that Windows takes. */
const LABEL_SIZE_MAX = 256;

export function recogniseNtfs(span: Span): Recognised | undefined {
  const boot = readIfThere(span, BOOT_SECTOR, 'NTFS boot sector');
  if (!boot?.has(FIELD.name, NAME)) return undefined;
  const geometry = toGeometry(boot);
  const size = boot.u64(FIELD.sectors) * boot.u16(FIELD.sectorSize);
  const records = openRecords(span, geometry);
  const about = readVolumeRecord(records);
  const content = describe(
    {
      kind: 'ntfs',
      label: about.label,
      uuid: boot.bigU64(FIELD.serial).toString(16).toUpperCase().padStart(16, '0'),
      size,
      ...(about.clean === undefined ? {} : { clean: about.clean }),
      details: { ...(about.version === undefined ? {} : { version: about.version }), clusterSize: geometry.clusterSize },
    },
    [...about.problems, ...checkFits(span, size, 'file system')],
  );
  return { ...content, openFiles: () => openNtfsFiles(records) };
}

function toGeometry(boot: Fields): NtfsGeometry {
  const sectorSize = boot.u16(FIELD.sectorSize);
  const clusterSectors = boot.u8(FIELD.clusterSectors);
  const clusterSize = sectorSize * (clusterSectors > 128 ? 2 ** (256 - clusterSectors) : clusterSectors);
  // A positive size counts clusters, a negative one is a power of two.
  const sizeAt = (at: number): number => (boot.i8(at) > 0 ? boot.i8(at) * clusterSize : 2 ** -boot.i8(at));
  const geometry = {
    sectorSize,
    clusterSize,
    tableOffset: boot.u64(FIELD.table) * clusterSize,
    recordSize: sizeAt(FIELD.recordSize),
    indexSize: sizeAt(FIELD.indexSize),
  };
  const isPower = (size: number, from: number, to: number): boolean => Number.isInteger(Math.log2(size)) && size >= from && size <= to;
  const isPossible =
    isPower(sectorSize, 256, 4096) &&
    isPower(clusterSize, 256, 2 ** 21) &&
    isPower(geometry.recordSize, 512, 65_536) &&
    isPower(geometry.indexSize, 512, 65_536);
  if (!isPossible) throw damaged('the NTFS boot sector names sizes that do not exist');
  return geometry;
}

interface VolumeRecord {
  readonly label: string;
  readonly version?: string;
  readonly clean?: boolean;
  readonly problems: readonly string[];
}

/** A volume whose own record is broken is still an NTFS volume. */
function readVolumeRecord(records: NtfsRecords): VolumeRecord {
  try {
    const record = records.read(VOLUME_RECORD);
    const name = attributeOf(record, VOLUME_NAME)?.value;
    const information = attributeOf(record, VOLUME_INFORMATION)?.value;
    return {
      label: name?.utf16(0, Math.min(name.length, LABEL_SIZE_MAX)) ?? '',
      ...(information
        ? {
            version: `${information.u8(INFORMATION.major)}.${information.u8(INFORMATION.minor)}`,
            clean: (information.u16(INFORMATION.flags) & DIRTY) === 0,
          }
        : {}),
      problems: [],
    };
  } catch (error) {
    if (!(error instanceof HyperError)) throw error;
    return { label: '', problems: [`The record of the NTFS volume cannot be read: ${error.message}`] };
  }
}
