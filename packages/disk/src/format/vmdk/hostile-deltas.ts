import { TIB } from '@hypersdk/domain';
import { describeDisk } from './build-chain.ts';
import { buildCowd, buildSeSparse } from './build-extents.ts';
import type { HostileVmdk } from './hostile-vmdks.ts';

const SIZE = 20 * 1024 ** 2;
const CELLS = Array.from({ length: SIZE / 65_536 }, (_, at) => (at === 0 || at === 1 || at === 310 ? 7 : ('hole' as const)));
const EXTENT = 'x-delta.vmdk';

type Damage = Pick<HostileVmdk, 'name' | 'message'> & {
  readonly code?: HostileVmdk['code'];
  readonly edit: (extent: DataView, bytes: Uint8Array) => Uint8Array | void;
};

/** Places in the VMFSSPARSE extent that is damaged. The table of the first grains comes right after the directory. */
const COWD = { directory: 2048, table: 2560, nextTable: 2560 + 16_384 + 2 * 65_536 } as const;

const u32 =
  (at: number, value: number) =>
  (view: DataView): void =>
    view.setUint32(at, value, true);

const COWD_DAMAGES: readonly Damage[] = [
  { name: 'an ESX extent cut short', message: 'shorter than a header', edit: (_, bytes) => bytes.slice(0, 1024) },
  { name: 'an ESX extent of another kind', message: 'magic number of an ESX sparse extent', edit: u32(0, 0) },
  { name: 'an ESX extent of an unknown version', code: 'image/unsupported', message: 'version 2', edit: u32(4, 2) },
  { name: 'an ESX extent with an unknown flag', code: 'image/unsupported', message: 'flags 0xb', edit: u32(8, 0xb) },
  { name: 'an ESX extent of no size', message: 'its capacity is zero', edit: u32(12, 0) },
  { name: 'an ESX extent of another size', message: 'its descriptor says', edit: u32(12, 40_959) },
  { name: 'ESX grains of 3 sectors', message: 'not a power of two', edit: u32(16, 3) },
  { name: 'ESX grains of no sectors', message: 'not a power of two', edit: u32(16, 0) },
  { name: 'ESX grains of 1 TiB', code: 'image/unsupported', message: 'a grain of', edit: u32(16, 2 ** 31) },
  { name: 'an ESX directory in the header', message: 'grain directory overlaps its header', edit: u32(20, 3) },
  { name: 'an ESX directory beyond the file', message: 'grain directory is said to lie', edit: u32(20, 0xffff_ffff) },
  { name: 'an ESX directory that is too short', message: 'its grain directory has 9 entries', edit: u32(24, 9) },
  { name: 'an ESX table beyond the file', message: 'grain table 3 is said to lie at byte', edit: u32(COWD.directory + 12, 0xffff_fff0) },
  { name: 'an ESX table in the directory', message: 'grain table 0 is said to lie inside the grain directory', edit: u32(COWD.directory, 4) },
  { name: 'one ESX table used twice', message: 'grain table 3 shares its bytes', edit: u32(COWD.directory + 12, COWD.table / 512) },
  { name: 'an ESX grain beyond the file', message: 'grain 1 is said to lie at byte', edit: u32(COWD.table + 4, 0xffff_ffff) },
  { name: 'an ESX grain in the header', message: 'grain 1 is said to lie inside the header', edit: u32(COWD.table + 4, 1) },
  { name: 'an ESX grain in a table', message: 'grain 1 is said to lie inside a grain table', edit: u32(COWD.table + 4, COWD.nextTable / 512 + 3) },
  {
    name: 'one ESX grain used twice',
    message: 'grain 1 shares its bytes with another grain',
    edit: (view) => view.setUint32(COWD.table + 4, view.getUint32(COWD.table, true), true),
  },
];

/** Places in the SESPARSE extent that is damaged. The second table describes the first grains. */
const SE = { volatile: 512, directory: 2048, tables: 2560, table: 2560 + 32_768 } as const;

const u64 =
  (at: number, value: bigint | number) =>
  (view: DataView): void =>
    view.setBigUint64(at, BigInt(value), true);
const STORED = 3n << 60n;

const SE_DAMAGES: readonly Damage[] = [
  { name: 'a space-efficient extent cut short', message: 'shorter than its headers', edit: (_, bytes) => bytes.slice(0, 100) },
  { name: 'a space-efficient extent of another kind', message: 'magic number of a space-efficient extent', edit: u64(0, 0xcafebabfn) },
  { name: 'a space-efficient extent of an unknown version', code: 'image/unsupported', message: 'version 0x200000002', edit: u64(8, 0x2_0000_0002n) },
  { name: 'a space-efficient extent of no size', message: 'its capacity is zero', edit: u64(16, 0) },
  { name: 'a space-efficient extent of 65 TiB', code: 'image/too-large', message: '65 TiB is over', edit: u64(16, (65 * TIB) / 512) },
  { name: 'a space-efficient extent of another size', message: 'its descriptor says', edit: u64(16, 40_968) },
  { name: 'a space-efficient extent of more than 64 bits', message: 'beyond the end of any file', edit: u64(16, 2n ** 63n) },
  { name: 'space-efficient grains of 8 KiB', code: 'image/unsupported', message: 'a grain of 8192 bytes', edit: u64(24, 16) },
  { name: 'space-efficient tables of 64 KiB', code: 'image/unsupported', message: 'a grain table of 65536 bytes', edit: u64(32, 128) },
  { name: 'a space-efficient extent with a flag', code: 'image/unsupported', message: 'header has bits that are not known', edit: u64(40, 1) },
  { name: 'a space-efficient header with a tail', code: 'image/unsupported', message: 'header has bits that are not known', edit: u64(504, 1) },
  { name: 'a space-efficient directory that is too short', message: 'its grain directory has 0 bytes', edit: u64(136, 0) },
  { name: 'a space-efficient directory beyond the file', message: 'its grain directory is said to lie', edit: u64(128, 2n ** 40n) },
  { name: 'a space-efficient directory in the journal', message: 'its grain directory overlaps its journal', edit: u64(128, 3) },
  { name: 'space-efficient tables beyond the file', message: 'its grain tables is said to lie', edit: u64(152, 2n ** 40n) },
  { name: 'a volatile header elsewhere', message: 'magic number of its volatile header', edit: u64(80, 300) },
  { name: 'a volatile header of another kind', message: 'magic number of its volatile header', edit: u64(SE.volatile, 0) },
  { name: 'a journal that was not replayed', code: 'image/unsupported', message: 'it was not closed', edit: u64(SE.volatile + 24, 1) },
  { name: 'a volatile header with a tail', code: 'image/unsupported', message: 'volatile header has bits', edit: u64(SE.volatile + 504, 1) },
  { name: 'a space-efficient table of an unknown kind', message: 'grain table 0 has an entry of a kind', edit: u64(SE.directory, 2n << 60n) },
  {
    name: 'a space-efficient table that is not there',
    message: 'grain table 0 is said to be number 2 of 2',
    edit: u64(SE.directory, (1n << 60n) | 2n),
  },
  { name: 'one space-efficient table used twice', message: 'grain table 1 shares its bytes', edit: u64(SE.directory + 8, (1n << 60n) | 1n) },
  { name: 'a space-efficient grain of an unknown kind', message: 'grain 1 is of a kind that is not known, 4', edit: u64(SE.table + 8, 4n << 60n) },
  { name: 'a grain that is absent at a place', message: 'grain 1 is said not to exist', edit: u64(SE.table + 8, 5) },
  { name: 'a space-efficient grain beyond the file', message: 'grain 1 is said to lie at byte', edit: u64(SE.table + 8, STORED | 99_999n) },
  { name: 'a space-efficient grain beyond 64 bits', message: 'grain 1 is said to lie at byte', edit: u64(SE.table + 8, 2n ** 62n - 1n) },
  {
    name: 'a space-efficient grain in a table',
    message: 'grain 1 is said to lie inside the grain tables',
    // Grains are counted from the start of the file.
    edit: (view) => {
      u64(192, 0)(view);
      u64(SE.table + 8, STORED | (2n << 48n))(view);
      for (const grain of [0, ...Array.from({ length: 30 }, (_, at) => at + 2)]) u64(SE.table + grain * 8, 0)(view);
    },
  },
  { name: 'one space-efficient grain used twice', message: 'grain 1 shares its bytes with another grain', edit: u64(SE.table + 8, STORED) },
];

/** Deltas whose extent, which lies beside the descriptor, is damaged in one place. */
export function hostileDeltas(): readonly HostileVmdk[] {
  const cowd = buildCowd({ cells: CELLS, size: SIZE });
  const seSparse = buildSeSparse({ cells: CELLS, size: SIZE });
  return [
    ...COWD_DAMAGES.map((damage) => damaged(damage, cowd, { kind: 'vmfsSparse', type: 'VMFSSPARSE' })),
    ...SE_DAMAGES.map((damage) => damaged(damage, seSparse, { kind: 'seSparse', type: 'SESPARSE' })),
  ];
}

function damaged({ edit, ...damage }: Damage, sound: Uint8Array, o: { readonly kind: string; readonly type: string }): HostileVmdk {
  const bytes = Uint8Array.from(sound);
  const changed = edit(new DataView(bytes.buffer), bytes) ?? bytes;
  const descriptor = describeDisk({ kind: o.kind, id: '1', extents: [`RW ${SIZE / 512} ${o.type} "${EXTENT}"`] });
  return { code: 'image/malformed', ...damage, bytes: descriptor, beside: { [EXTENT]: changed } };
}
