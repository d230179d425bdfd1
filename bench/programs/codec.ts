// A codec and nothing else, on one thread, as the floor of what uses it: node codec.ts RAW_IMAGE CODEC LEVEL [back]
import { fstatSync, openSync, readSync } from 'node:fs';
import { KIB } from '@hypersdk/domain';
import { nativeCodecs } from '../../packages/disk/src/native/load.ts';
import { isZero } from '../../packages/disk/src/stream/is-zero.ts';

const CLUSTER = 64 * KIB;

const [path = '', name = '', level = '', way] = process.argv.slice(2);
const codec = (['deflate-4k', 'zlib', 'zstd'] as const).find((known) => known === name);
if (codec === undefined) throw new Error(`${name} is no codec.`);

using compressor = nativeCodecs().compressor(codec, Number(level));
using decompressor = nativeCodecs().decompressor(codec);
const cluster = new Uint8Array(CLUSTER);
const packed = new Uint8Array(2 * CLUSTER);
const fd = openSync(path, 'r');
const { size } = fstatSync(fd);
for (let at = 0; at < size; at += CLUSTER) {
  readSync(fd, cluster, 0, CLUSTER, at);
  if (isZero(cluster)) continue;
  const length = compressor.compress(cluster, packed, 0);
  if (way === 'back' && length > 0) decompressor.decompress(packed.subarray(0, length), cluster);
}
