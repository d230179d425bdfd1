// For tests: makes a differencing disk, which no program on this side of Windows writes (MS-VHDX 2.6.2.6).
import { MIB } from '@hypersdk/domain';
import { AT, DISK_SIZE, editVhdx, type EditedVhdx } from './edit-vhdx.ts';
import { writeGuid } from './guid.ts';
import { encodeMetadata } from './metadata-table.ts';

/** The entry of the only sector bitmap: blocks of 1 MiB come in chunks of 4096. */
export const BITMAP_ENTRY = 4096;

export interface ChildToBuild {
  /** Keys and values of the parent locator. */
  readonly locator: Readonly<Record<string, string>>;
  readonly locatorType?: string;
  readonly virtualSize?: number;
  readonly sectorSize?: number;
}

/** A disk of its own blocks 0 and 2, over a parent. */
export function buildChild(child: ChildToBuild, edit: (image: EditedVhdx) => Uint8Array | void = () => undefined): Uint8Array {
  return editVhdx((image) => {
    const metadata = encodeMetadata({
      fileParameters: numbers([MIB, 4], [2, 4]),
      virtualDiskSize: numbers([child.virtualSize ?? DISK_SIZE, 8]),
      virtualDiskId: new Uint8Array(16).fill(7),
      logicalSectorSize: numbers([child.sectorSize ?? 512, 4]),
      physicalSectorSize: numbers([4096, 4]),
      parentLocator: encodeLocator(child),
    });
    image.bytes.fill(0, AT.metadata, AT.table);
    image.bytes.set(metadata, AT.metadata);
    return edit(image);
  });
}

/** Little-endian numbers, each with its count of bytes. */
function numbers(...fields: readonly (readonly [number, number])[]): Uint8Array {
  return Buffer.concat(
    fields.map(([value, size]) => {
      const bytes = Buffer.alloc(8);
      bytes.writeBigUInt64LE(BigInt(value));
      return bytes.subarray(0, size);
    }),
  );
}

function encodeLocator({ locator, locatorType = 'b04aefb7-d19e-4a81-b789-25b8e9445913' }: ChildToBuild): Uint8Array {
  const entries = Object.entries(locator);
  const head = Buffer.alloc(20 + entries.length * 12);
  writeGuid(head, 0, locatorType);
  head.writeUInt16LE(entries.length, 18);
  const texts: Buffer[] = [];
  let end = head.length;
  const add = (text: string): readonly [number, number] => {
    const bytes = Buffer.from(text, 'utf16le');
    texts.push(bytes);
    end += bytes.length;
    return [end - bytes.length, bytes.length];
  };
  entries.forEach(([key, value], index) => {
    const at = 20 + index * 12;
    const [[keyOffset, keyLength], [valueOffset, valueLength]] = [add(key), add(value)];
    head.writeUInt32LE(keyOffset, at);
    head.writeUInt32LE(valueOffset, at + 4);
    head.writeUInt16LE(keyLength, at + 8);
    head.writeUInt16LE(valueLength, at + 10);
  });
  return Buffer.concat([head, ...texts]);
}
