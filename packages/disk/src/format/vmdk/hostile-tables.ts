import { editVmdk, type EditedVmdk } from './edit-vmdk.ts';
import type { HostileVmdk } from './hostile-vmdks.ts';

/** Tables that point where they must not. */
const DAMAGES: readonly (Pick<HostileVmdk, 'name' | 'message'> & { readonly edit: (image: EditedVmdk) => Uint8Array | void })[] = [
  {
    name: 'a table beyond the file',
    message: 'grain table 1 is said to lie at byte',
    edit: ({ view, directory }) => view.setUint32(directory + 4, 0xffff_fff0, true),
  },
  {
    name: 'a table in the header',
    message: 'grain table 0 is said to lie inside the descriptor',
    edit: ({ view, directory }) => view.setUint32(directory, 1, true),
  },
  {
    name: 'a table in the directory',
    message: 'grain table 0 is said to lie inside the grain directory',
    edit: ({ view, directory }) => view.setUint32(directory, directory / 512, true),
  },
  {
    name: 'one table used twice',
    message: 'grain table 1 shares its bytes with another grain table',
    edit: ({ view, directory, table }) => view.setUint32(directory + 4, table / 512, true),
  },
  {
    name: 'tables that overlap by half',
    message: 'shares its bytes with another grain table',
    edit: ({ view, directory, table }) => view.setUint32(directory + 4, table / 512 + 2, true),
  },
  {
    name: 'a grain beyond the file',
    message: 'grain 1 is said to lie at byte',
    edit: ({ view, table }) => view.setUint32(table + 4, 0xffff_ffff, true),
  },
  {
    name: 'a grain that reaches over the end',
    message: 'but the file ends at',
    edit: ({ view, nextTable, bytes }) => view.setUint32(nextTable, bytes.length / 512 - 127, true),
  },
  {
    name: 'a grain in the directory',
    message: 'grain 1 is said to lie inside the grain directory',
    edit: ({ view, table, directory }) => view.setUint32(table + 4, directory / 512, true),
  },
  {
    name: 'a grain in the descriptor',
    message: 'grain 0 is said to lie inside the descriptor',
    edit: ({ view, table }) => view.setUint32(table, 1, true),
  },
  {
    name: 'a grain in a table',
    message: 'grain 1 is said to lie inside a grain table',
    edit: ({ view, table, nextTable }) => view.setUint32(table + 4, nextTable / 512 + 3, true),
  },
  {
    name: 'one grain used twice in a table',
    message: 'grain 1 shares its bytes with another grain',
    edit: ({ view, table, grain }) => view.setUint32(table + 4, grain / 512, true),
  },
  {
    name: 'one grain used by two tables',
    message: 'grain 512 shares its bytes with another grain',
    edit: ({ view, nextTable, grain }) => view.setUint32(nextTable, grain / 512, true),
  },
  {
    name: 'grains that overlap by half',
    message: 'grain 1 shares its bytes with another grain',
    edit: ({ view, table, grain }) => view.setUint32(table + 4, grain / 512 + 64, true),
  },
  { name: 'grains cut off', message: 'but the file ends at', edit: ({ bytes, grain }) => bytes.slice(0, grain + 70_000) },
];

export const hostileTables = (): readonly HostileVmdk[] =>
  DAMAGES.map(({ edit, ...expected }) => ({ ...expected, code: 'image/malformed', bytes: editVmdk('monolithicSparse', edit) }));
