// Virtual Hard Disk Image Format Specification 1.0, written here once more so that the reader's own constants prove nothing about themselves.
import { MIB } from '@hypersdk/domain';

/** The front of a dynamic VHD that says what it is told to say, with blocks of 2 MiB and a table right behind the header. */
export function claimVhd({ virtualSize }: { readonly virtualSize: number }): Buffer {
  const footer = Buffer.alloc(512);
  footer.write('conectix', 0, 'latin1');
  footer.writeUInt32BE(2, 8);
  footer.writeUInt32BE(0x1_0000, 12);
  footer.writeBigUInt64BE(512n, 16);
  footer.write('win Wi2k', 28, 'latin1');
  footer.writeBigUInt64BE(BigInt(virtualSize), 48);
  footer.writeUInt32BE(3, 60);
  const header = Buffer.alloc(1024);
  header.write('cxsparse', 0, 'latin1');
  header.fill(0xff, 8, 16);
  header.writeBigUInt64BE(1536n, 16);
  header.writeUInt32BE(0x1_0000, 24);
  header.writeUInt32BE(Math.ceil(virtualSize / (2 * MIB)), 28);
  header.writeUInt32BE(2 * MIB, 32);
  return Buffer.concat([withChecksum(footer, 64), withChecksum(header, 36)]);
}

function withChecksum(bytes: Buffer, at: number): Buffer {
  const sum = bytes.reduce((total, byte) => total + byte, 0);
  bytes.writeUInt32BE(0xffff_ffff - sum, at);
  return bytes;
}
