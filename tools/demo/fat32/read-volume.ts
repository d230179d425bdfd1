// A second opinion on what write-volume.ts made, from the partition table on: it shares nothing with it but the specification.

export interface VolumeFile {
  readonly path: string;
  readonly content: Buffer;
}

/** More than any volume of a test has; a loop in a damaged table ends here. */
const CLUSTERS_MAX = 1_000_000;
const END_OF_CHAIN_MIN = 0x0fff_fff8;

/** Every file of the first partition of a raw disk, by path. */
export function readVolume(disk: Buffer): readonly VolumeFile[] {
  const volume = disk.subarray(disk.readUInt32LE(446 + 8) * 512);
  const sectorSize = volume.readUInt16LE(11);
  const clusterSize = volume.readUInt8(13) * sectorSize;
  const table = volume.readUInt16LE(14) * sectorSize;
  const clusters = table + volume.readUInt8(16) * volume.readUInt32LE(36) * sectorSize;

  const readChain = (first: number): Buffer => {
    const pieces: Buffer[] = [];
    for (let at = first; at < END_OF_CHAIN_MIN; at = volume.readUInt32LE(table + at * 4) & 0x0fff_ffff) {
      if (at < 2 || pieces.length > CLUSTERS_MAX) throw new Error(`The chain of cluster ${first} leads to ${at}.`);
      const offset = clusters + (at - 2) * clusterSize;
      pieces.push(volume.subarray(offset, offset + clusterSize));
    }
    return Buffer.concat(pieces);
  };
  function* readFolder(first: number, parent: string): Generator<VolumeFile> {
    for (const entry of parseFolder(readChain(first))) {
      const name = `${parent}${entry.name}`;
      if (entry.isFolder) yield* readFolder(entry.first, `${name}/`);
      else yield { path: name, content: entry.first === 0 ? Buffer.alloc(0) : readChain(entry.first).subarray(0, entry.size) };
    }
  }
  return [...readFolder(volume.readUInt32LE(44), '')];
}

interface ParsedEntry {
  readonly name: string;
  readonly isFolder: boolean;
  readonly first: number;
  readonly size: number;
}

function* parseFolder(bytes: Buffer): Generator<ParsedEntry> {
  let long = '';
  for (let at = 0; at < bytes.length && bytes.readUInt8(at) !== 0; at += 32) {
    const entry = bytes.subarray(at, at + 32);
    const attributes = entry.readUInt8(11);
    if (attributes === 0x0f) {
      long = Buffer.concat([entry.subarray(1, 11), entry.subarray(14, 26), entry.subarray(28, 32)]).toString('utf16le') + long;
      continue;
    }
    const short = [entry.toString('latin1', 0, 8).trimEnd(), entry.toString('latin1', 8, 11).trimEnd()].filter((part) => part !== '').join('.');
    const name = long.replace(/\0.*$/su, '') || short;
    long = '';
    if ((attributes & 0x08) !== 0 || short === '.' || short === '..') continue;
    const first = entry.readUInt16LE(20) * 65_536 + entry.readUInt16LE(26);
    yield { name, isFolder: (attributes & 0x10) !== 0, first, size: entry.readUInt32LE(28) };
  }
}
