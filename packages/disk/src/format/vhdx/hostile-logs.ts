import { KIB, MIB } from '@hypersdk/domain';
import { checksumOf } from './checksum.ts';
import { AT, editVhdx, LOG_GUID, sectorChange, type EditedVhdx, type LogToBuild } from './edit-vhdx.ts';
import type { Damage } from './hostile-vhdxs.ts';

/** A log of one entry that puts a block where none may be, unless it is damaged first. */
const one = ({ bytes }: EditedVhdx, o: Partial<LogToBuild> = {}): LogToBuild => ({
  sequence: 1,
  changes: [sectorChange(bytes, AT.table, (sector) => sector.writeUInt32LE(6, 8))],
  ...o,
});

/** Changes an entry behind its maker's back, and makes its checksum anew. */
function resum(bytes: Buffer, change: (entry: Buffer) => unknown): void {
  const entry = bytes.subarray(AT.log, AT.log + bytes.readUInt32LE(AT.log + 8));
  change(entry);
  entry.writeUInt32LE(checksumOf(entry), 4);
}

const changed = (image: EditedVhdx, change: (entry: Buffer) => unknown): void => {
  image.log([one(image)]);
  resum(image.bytes, change);
};

const NO_SEQUENCE = 'holds no whole sequence of entries';

const DAMAGES: readonly (Omit<Damage, 'make' | 'code'> &
  Partial<Pick<Damage, 'code'>> & { readonly edit: (image: EditedVhdx) => Uint8Array | void })[] = [
  {
    name: 'a log whose only entry is torn',
    message: NO_SEQUENCE,
    edit: (image) => void image.bytes.writeUInt8(9, AT.log + Number(image.log([one(image)])[0]) + 5000),
  },
  { name: 'a log whose tail is gone', message: NO_SEQUENCE, edit: (image) => void image.log([one(image, { tail: 64 * KIB })]) },
  { name: 'an entry of no number', message: NO_SEQUENCE, edit: (image) => void image.log([one(image, { sequence: 0 })]) },
  { name: 'an entry longer than the log', message: NO_SEQUENCE, edit: (image) => changed(image, (entry) => entry.writeUInt32LE(2 * MIB, 8)) },
  {
    name: 'an entry of more changes than it has room for',
    message: NO_SEQUENCE,
    edit: (image) => changed(image, (entry) => entry.writeUInt32LE(0xffff_ffff, 24)),
  },
  { name: 'a change of no kind', message: 'is of no known kind', edit: (image) => changed(image, (entry) => entry.write('none', 64, 'latin1')) },
  {
    name: 'a change of another entry',
    message: 'a change in its log belongs to another',
    edit: (image) => changed(image, (entry) => entry.writeUInt8(9, 64 + 24)),
  },
  {
    name: 'a sector of another entry',
    message: 'a sector in its log belongs to another',
    edit: (image) => changed(image, (entry) => entry.writeUInt8(9, 4096 + 4)),
  },
  {
    name: 'a sector without its signature',
    message: 'a sector in its log belongs to another',
    edit: (image) => changed(image, (entry) => entry.write('x', 4096, 'latin1')),
  },
  {
    name: 'more changes than sectors',
    message: 'more changes than sectors',
    edit: (image) =>
      changed(image, (entry) => {
        entry.writeUInt32LE(2, 24);
        entry.copy(entry, 96, 64, 96);
      }),
  },
  {
    name: 'a change between two sectors',
    message: 'not the start of a sector',
    edit: (image) => changed(image, (entry) => entry.writeUInt8(1, 64 + 16)),
  },
  {
    name: 'a change at the end of 64 bits',
    message: 'not the start of a sector',
    edit: (image) => changed(image, (entry) => entry.fill(0xff, 64 + 16, 64 + 24)),
  },
  {
    name: 'a change of the headers',
    message: 'changes byte 65536, which no log may',
    edit: (image) => changed(image, (entry) => entry.writeBigUInt64LE(65_536n, 64 + 16)),
  },
  {
    name: 'a change of the log',
    message: 'changes byte 1048576, which no log may',
    edit: (image) => changed(image, (entry) => entry.writeBigUInt64LE(BigInt(MIB), 64 + 16)),
  },
  {
    name: 'zeros over half a sector',
    message: 'not whole sectors',
    edit: (image) => void image.log([{ sequence: 1, changes: [{ offset: AT.blocks, zeros: 100 }] }]),
  },
  {
    name: 'zeros over an exbibyte',
    code: 'image/too-large',
    message: 'changes more than the limit of 256 MiB',
    edit: (image) => void image.log([{ sequence: 1, changes: [{ offset: AT.blocks, zeros: 2 ** 52 }] }]),
  },
  {
    name: 'zeros over the same bytes again and again',
    code: 'image/too-large',
    message: 'changes more than the limit of 256 MiB',
    edit: (image) => void image.log([{ sequence: 1, changes: Array.from({ length: 400 }, () => ({ offset: AT.blocks, zeros: 100 * MIB })) }]),
  },
  {
    name: 'a file shorter than when its log was written',
    message: 'when its log was written',
    edit: (image) => void image.log([one(image, { fileSize: 2 ** 40 })]),
  },
  {
    name: 'a log that makes the file endless',
    message: 'longer than any file',
    edit: (image) => changed(image, (entry) => entry.fill(0xff, 56, 64)),
  },
  { name: 'a log that puts a block into the header section', message: 'inside the header section', edit: (image) => void image.log([one(image)]) },
  {
    name: 'a log that puts a block behind the end of the file that it makes',
    message: 'but the file ends at 8388608',
    edit: (image) =>
      void image.log([
        one(image, { lastSize: 8 * MIB, changes: [sectorChange(image.bytes, AT.table, (sector) => sector.writeUInt32LE(6 + 8 * MIB, 8))] }),
      ]),
  },
  {
    name: 'entries that lie over each other',
    message: 'lie over each other',
    edit: ({ bytes, both }) => {
      both(AT.header, (header) => header.set(LOG_GUID, 48));
      for (let at = AT.log; at < AT.metadata; at += 4 * KIB) {
        bytes.write('loge', at, 'latin1');
        bytes.writeUInt32LE(MIB, at + 8);
        bytes.writeUInt8(1, at + 16);
        bytes.set(LOG_GUID, at + 32);
      }
    },
  },
  {
    name: 'a log in use of 33 MiB',
    code: 'image/too-large',
    message: 'a log of 33 MiB that has to be replayed is over the limit of 32 MiB',
    edit: ({ bytes, both }) => {
      both(AT.header, (header) => {
        header.set(LOG_GUID, 48);
        header.writeUInt32LE(33 * MIB, 68);
        header.writeBigUInt64LE(BigInt(6 * MIB), 72);
      });
      return Buffer.concat([bytes, Buffer.alloc(33 * MIB)]);
    },
  },
];

/** Logs that are marked as in use and cannot be believed. */
export const hostileLogs: readonly Damage[] = DAMAGES.map(({ edit, code = 'image/malformed', ...expected }) => ({
  ...expected,
  code,
  make: () => editVhdx(edit),
}));
