import { MIB } from '@hypersdk/domain';
import { AT, editVhdx, type EditedVhdx } from './edit-vhdx.ts';
import type { Damage } from './hostile-vhdxs.ts';

/** Entries of the block table that point where they must not. Blocks 0 and 2 lie at 4 and 5 MiB, where the file ends at 6. */
const DAMAGES: readonly (Omit<Damage, 'make' | 'code'> &
  Partial<Pick<Damage, 'code'>> & { readonly edit: (image: EditedVhdx) => Uint8Array | void })[] = [
  { name: 'a block beyond the file', message: 'block 1 is said to lie at byte 6291456', edit: ({ entry }) => entry(1, 6, 6) },
  { name: 'a block at the end of 64 bits', message: 'block 1 is said to lie at byte', edit: ({ entry }) => entry(1, 6, 2 ** 44 - 1) },
  { name: 'a block cut short', message: 'block 2 is said to lie at byte 5242880', edit: ({ bytes }) => bytes.subarray(0, 6 * MIB - 4096) },
  { name: 'a block in the header section', message: 'inside the header section', edit: ({ entry }) => entry(1, 6, 0) },
  { name: 'a block in the log', message: 'inside the log', edit: ({ entry }) => entry(1, 6, 1) },
  { name: 'a block in the metadata', message: 'inside the metadata region', edit: ({ entry }) => entry(1, 6, 2) },
  { name: 'a block in its own table', message: 'inside the block allocation table', edit: ({ entry }) => entry(1, 6, 3) },
  { name: 'one block used twice', message: 'block 2 shares its bytes with another block', edit: ({ entry }) => entry(2, 6, 4) },
  {
    name: 'blocks that overlap by half',
    message: 'block 1 shares its bytes with another block',
    edit: ({ bytes, entry }) => {
      bytes.writeUInt32LE(2 * MIB, AT.parameters);
      entry(1, 6, 5);
      return Buffer.concat([bytes, Buffer.alloc(2 * MIB)]);
    },
  },
  { name: 'state 4', code: 'image/unsupported', message: 'block 1 has the state 4', edit: ({ entry }) => entry(1, 4, 0) },
  { name: 'state 5', code: 'image/unsupported', message: 'block 1 has the state 5', edit: ({ entry }) => entry(1, 5, 0) },
  {
    name: 'reserved bits',
    code: 'image/unsupported',
    message: 'with the reserved bits 131071',
    edit: ({ bytes }) => void bytes.writeUInt32LE(0xfffff, AT.table + 8),
  },
  { name: 'a partial block without a parent', message: 'but there is no parent', edit: ({ entry }) => entry(2, 7, 5) },
];

export const hostileTables: readonly Damage[] = DAMAGES.map(({ edit, code = 'image/malformed', ...expected }) => ({
  ...expected,
  code,
  make: () => editVhdx(edit),
}));
