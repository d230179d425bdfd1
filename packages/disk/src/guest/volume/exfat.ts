// "exFAT file system specification", sections 3.1 "Main and Backup Boot Sector" and 7.3 "Volume Label Directory Entry". All fields are little-endian.
import { damaged } from '../damaged.ts';
import type { Fields } from '../fields.ts';
import type { Span } from '../span.ts';
import { checkFits, describe, readIfThere, type Recognised } from './recognised.ts';

const BOOT_SECTOR = { offset: 0, length: 512 } as const;
const NAME = 'EXFAT   ';
const FIELD = { name: 3, volumeSectors: 72, heapSector: 88, rootCluster: 96, serial: 100, flags: 106, sectorLog: 108, clusterLog: 109 } as const;
const DIRTY = 0x2;
const ENTRY_SIZE = 32;
const LABEL_ENTRY = 0x83;
const LABEL_LETTERS_MAX = 11;
/** The label stands among the first entries; this much of the root folder is looked at. */
const ROOT_READ_MAX = 4096;

export function recogniseExfat(span: Span): Recognised | undefined {
  const boot = readIfThere(span, BOOT_SECTOR, 'exFAT boot sector');
  if (!boot?.has(FIELD.name, NAME)) return undefined;
  const sectorLog = boot.u8(FIELD.sectorLog);
  const clusterLog = boot.u8(FIELD.clusterLog);
  // Section 3.1.14 and 3.1.15: sectors of 512 to 4096 bytes, clusters of 32 MiB at most.
  if (sectorLog < 9 || sectorLog > 12 || sectorLog + clusterLog > 25) throw damaged('the exFAT boot sector names sizes that do not exist');
  const sectorSize = 2 ** sectorLog;
  const size = boot.u64(FIELD.volumeSectors) * sectorSize;
  const serial = boot.u32(FIELD.serial).toString(16).toUpperCase().padStart(8, '0');
  return describe(
    {
      kind: 'exfat',
      label: readLabel(span, boot),
      uuid: `${serial.slice(0, 4)}-${serial.slice(4)}`,
      size,
      clean: (boot.u16(FIELD.flags) & DIRTY) === 0,
      details: { sectorSize, clusterSize: sectorSize * 2 ** clusterLog },
    },
    checkFits(span, size, 'file system'),
  );
}

function readLabel(span: Span, boot: Fields): string {
  const sectorSize = 2 ** boot.u8(FIELD.sectorLog);
  const clusterSize = sectorSize * 2 ** boot.u8(FIELD.clusterLog);
  const offset = boot.u32(FIELD.heapSector) * sectorSize + (boot.u32(FIELD.rootCluster) - 2) * clusterSize;
  const root = span.read({ offset, length: Math.min(clusterSize, ROOT_READ_MAX) }, 'exFAT root folder');
  for (let at = 0; at < root.length && root.u8(at) !== 0; at += ENTRY_SIZE) {
    if (root.u8(at) === LABEL_ENTRY) return root.utf16(at + 2, 2 * Math.min(root.u8(at + 1), LABEL_LETTERS_MAX));
  }
  return '';
}
