// Virtual Hard Disk Image Format Specification 1.0, "Appendix: CHS Calculation".
import { SECTOR_SIZE } from './vhd-limits.ts';

/** Cylinders, heads and sectors per track, as an old BIOS addresses a disk. */
export interface Geometry {
  readonly cylinders: number;
  readonly heads: number;
  readonly sectors: number;
}

/** The largest geometry that an ATA disk can have. A disk that has it may be larger. */
export const GEOMETRY_MAX: Geometry = { cylinders: 65_535, heads: 16, sectors: 255 };

export const sizeOfGeometry = ({ cylinders, heads, sectors }: Geometry): number => cylinders * heads * sectors * SECTOR_SIZE;

/** The largest geometry by the specification's rule that is not larger than the disk. */
export function geometryFor(size: number): Geometry {
  const total = Math.min(Math.floor(size / SECTOR_SIZE), 65_535 * 16 * 255);
  if (total >= 65_535 * 16 * 63) return withCylinders(total, 16, 255);
  const tracks = Math.floor(total / 17);
  const heads = Math.max(4, Math.floor((tracks + 1023) / 1024));
  if (tracks < heads * 1024 && heads <= 16) return withCylinders(total, heads, 17);
  if (Math.floor(total / 31) < 16 * 1024) return withCylinders(total, 16, 31);
  return withCylinders(total, 16, 63);
}

const withCylinders = (total: number, heads: number, sectors: number): Geometry => ({
  cylinders: Math.floor(Math.floor(total / sectors) / heads),
  heads,
  sectors,
});
