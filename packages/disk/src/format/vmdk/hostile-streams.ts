import { MIB } from '@hypersdk/domain';
import { editVmdk, replaceGrain, type EditedVmdk } from './edit-vmdk.ts';
import type { HostileVmdk } from './hostile-vmdks.ts';

/** Footer and end-of-stream marker, from the end of the file. */
const END = { footerMarker: 1536, footer: 1024, endOfStream: 512 } as const;

/** Streams whose markers, footer or grains are not what they claim. */
const DAMAGES: readonly (Pick<HostileVmdk, 'name' | 'message'> & { readonly edit: (image: EditedVmdk) => Uint8Array | void })[] = [
  { name: 'a stream cut inside its last sector', message: 'its footer is missing', edit: ({ bytes }) => bytes.slice(0, -100) },
  { name: 'a stream without its last sector', message: 'no marker announces its footer', edit: ({ bytes }) => bytes.slice(0, -512) },
  { name: 'a stream cut in the middle', message: 'no marker announces its footer', edit: ({ bytes, grain }) => bytes.slice(0, grain + 2048) },
  { name: 'a stream of a header only', message: 'its footer is missing', edit: ({ bytes }) => bytes.slice(0, 512) },
  {
    name: 'no end-of-stream marker',
    message: 'end-of-stream marker is missing',
    edit: ({ view, bytes }) => view.setUint32(bytes.length - END.endOfStream + 12, 2, true),
  },
  {
    name: 'a footer marker that announces a directory',
    message: 'no marker announces its footer',
    edit: ({ view, bytes }) => view.setUint32(bytes.length - END.footerMarker + 12, 2, true),
  },
  {
    name: 'a footer with another capacity',
    message: 'does not repeat its header',
    edit: ({ view, bytes }) => view.setBigUint64(bytes.length - END.footer + 12, 99n, true),
  },
  {
    name: 'a footer with another grain size',
    message: 'does not repeat its header',
    edit: ({ view, bytes }) => view.setBigUint64(bytes.length - END.footer + 20, 64n, true),
  },
  {
    name: 'a footer that points to a footer',
    message: 'does not say where the grain directory lies',
    edit: ({ view, bytes }) => view.setBigUint64(bytes.length - END.footer + 56, 2n ** 64n - 1n, true),
  },
  {
    name: 'a directory outside the stream',
    message: 'outside the stream',
    edit: ({ view, bytes }) => view.setBigUint64(bytes.length - END.footer + 56, 2n ** 40n, true),
  },
  {
    name: 'a directory without its marker',
    message: 'grain directory is not preceded by its marker',
    edit: ({ view, directory }) => view.setUint32(directory - 512 + 12, 1, true),
  },
  {
    name: 'a directory marker of another length',
    message: 'grain directory is not preceded by its marker',
    edit: ({ view, directory }) => view.setBigUint64(directory - 512, 2n ** 50n, true),
  },
  {
    name: 'a table without its marker',
    message: 'a grain table is not preceded by its marker',
    edit: ({ view, table }) => view.setUint32(table - 512 + 12, 0, true),
  },
  {
    name: 'a marker of another grain',
    message: 'grain 0 says sector 128 of the disk instead of 0',
    edit: ({ view, grain }) => view.setBigUint64(grain, 128n, true),
  },
  {
    name: 'a marker of a sector beyond any disk',
    message: 'instead of 0',
    edit: ({ view, grain }) => view.setBigUint64(grain, 2n ** 64n - 1n, true),
  },
  {
    name: 'two grains in one place',
    message: 'grain 1 says sector 0 of the disk instead of 128',
    edit: ({ view, table, grain }) => view.setUint32(table + 4, grain / 512, true),
  },
  { name: 'a grain of no bytes', message: 'says that nothing follows', edit: ({ view, grain }) => view.setUint32(grain + 8, 0, true) },
  { name: 'a grain of 4 GiB', message: '4294967295 bytes follow', edit: ({ view, grain }) => view.setUint32(grain + 8, 0xffff_ffff, true) },
  {
    name: 'a grain beyond the file',
    message: 'but the file ends at',
    edit: ({ view, bytes, nextTable }) => view.setUint32(nextTable, bytes.length / 512, true),
  },
  {
    name: 'a grain that does not decompress',
    message: 'grain 0 does not decompress',
    edit: ({ bytes, grain }) => void bytes.fill(0x5a, grain + 14, grain + 600),
  },
  {
    name: 'a grain with a wrong checksum',
    message: 'grain 0 does not decompress',
    edit: ({ view, grain }) => void view.setUint32(grain + 12 + view.getUint32(grain + 8, true) - 4, 0x12345678),
  },
  { name: 'a grain that decompresses to less', message: 'grain 0 does not decompress', edit: (image) => replaceGrain(image, new Uint8Array(1000)) },
  {
    name: 'a grain that decompresses to a mebibyte',
    message: 'grain 0 does not decompress',
    edit: (image) => replaceGrain(image, new Uint8Array(MIB)),
  },
  {
    name: 'a grain in a table',
    message: 'inside a grain table',
    edit: ({ view, table, nextTable }) => view.setUint32(table + 4, nextTable / 512, true),
  },
];

export const hostileStreams = (): readonly HostileVmdk[] =>
  DAMAGES.map(({ edit, ...expected }) => ({ ...expected, code: 'image/malformed', bytes: editVmdk('streamOptimized', edit) }));
