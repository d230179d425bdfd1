// MS-VHDX 2.2 "Header Section" and 2.6 "Metadata Region".
import { createHash } from 'node:crypto';
import type { WritableFile } from '../../file/byte-file.ts';
import { deriveId, ID_CONTENT_SIZE, toUuid } from '../blocks/derive-id.ts';
import { ENTRY_SIZE } from './table-entry.ts';
import { encodeFileHeader, FILE_SIGNATURE, HEADER_OFFSETS } from './file-header.ts';
import { GUID_SIZE, readGuid, writeGuid, type Guid } from './guid.ts';
import { FILE_PARAMETER } from './metadata.ts';
import { encodeMetadata } from './metadata-table.ts';
import { encodeRegionTable, REGION_TABLE_OFFSETS } from './region-table.ts';
import { placesOf, type VhdxPlan } from './vhdx-plan.ts';

const IDENTIFIER_SIZE = 520;
const CREATOR = 'HyperSDK';
/** What today's media have; guests align to it. */
const PHYSICAL_SECTOR_SIZE = 4096;

/** Writes everything but blocks and their table, which are there up to `end`; the signature that makes it an image comes last. */
export function writeStructures(file: WritableFile, plan: VhdxPlan, end: number): void {
  const { metadata, blockTable, log } = placesOf(plan);
  const guidOf = guidsOf(file, plan, end);
  file.write(metadata.offset, encodeDiskMetadata(plan, guidOf('virtual disk')));
  const regions = encodeRegionTable({ metadata, blockTable });
  for (const offset of REGION_TABLE_OFFSETS) file.write(offset, regions);
  HEADER_OFFSETS.forEach((offset, index) => {
    const header = encodeFileHeader({
      sequence: BigInt(index + 1),
      fileWriteGuid: guidOf('file write'),
      dataWriteGuid: guidOf('data write'),
      logGuid: undefined,
      log,
    });
    file.write(offset, header);
  });
  const identifier = Buffer.alloc(IDENTIFIER_SIZE);
  identifier.write(FILE_SIGNATURE, 0, 'latin1');
  identifier.write(CREATOR, FILE_SIGNATURE.length, 'utf16le');
  file.write(0, identifier);
}

/** Takes the signature away from a file that was finished and is now continued. */
export const unmarkImage = (file: WritableFile): void => file.write(0, new Uint8Array(IDENTIFIER_SIZE));

/** GUIDs that follow from the plan, the table and the start of the content: copies of one disk are equal files, other disks other ones. */
function guidsOf(file: WritableFile, plan: VhdxPlan, end: number): (purpose: string) => Guid {
  const { blockTable, blocks, shape } = placesOf(plan);
  const id = deriveId(plan, file, [
    { offset: blockTable.offset, length: shape.entryCount * ENTRY_SIZE },
    { offset: blocks, length: Math.min(ID_CONTENT_SIZE, end - blocks) },
  ]);
  return (purpose) => {
    const own = createHash('sha256').update(id).update(purpose).digest().subarray(0, GUID_SIZE);
    return readGuid(toUuid(own, 'little'), 0);
  };
}

function encodeDiskMetadata(plan: VhdxPlan, id: Guid): Uint8Array {
  const parameters = Buffer.alloc(8);
  parameters.writeUInt32LE(plan.blockSize);
  parameters.writeUInt32LE(plan.subformat === 'fixed' ? FILE_PARAMETER.keepsBlocks : 0, 4);
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(plan.virtualSize));
  const diskId = new Uint8Array(GUID_SIZE);
  writeGuid(diskId, 0, id);
  const uint32 = (value: number): Uint8Array => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(value);
    return bytes;
  };
  return encodeMetadata({
    fileParameters: parameters,
    virtualDiskSize: size,
    virtualDiskId: diskId,
    logicalSectorSize: uint32(plan.sectorSize),
    physicalSectorSize: uint32(PHYSICAL_SECTOR_SIZE),
  });
}
