// VirtualBox VDI, core header of version 1.1, written here once more so that the reader's own constants prove nothing about themselves.
import { MIB } from '@hypersdk/domain';

/** The front of a dynamic VDI that says what it is told to say, with blocks of 1 MiB and a table behind the first sector. */
export function claimVdi({ virtualSize }: { readonly virtualSize: number }): Buffer {
  const blockCount = Math.ceil(virtualSize / MIB);
  const bytes = Buffer.alloc(512);
  bytes.write('<<< Oracle VM VirtualBox Disk Image >>>\n', 0, 'latin1');
  for (const [at, value] of [
    [64, 0xbeda107f],
    [68, 0x1_0001],
    [72, 400],
    [76, 1],
    [340, 512],
    [344, Math.ceil((512 + blockCount * 4) / MIB) * MIB],
    [360, 512],
    [376, MIB],
    [384, blockCount],
  ] as const)
    bytes.writeUInt32LE(value, at);
  bytes.writeBigUInt64LE(BigInt(virtualSize), 368);
  return bytes;
}
