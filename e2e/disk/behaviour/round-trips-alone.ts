// A process of its own: copies one image of each format to every other, and prints what was wrong with any of it.
//   node round-trips-alone.ts FOLDER
import { join } from 'node:path';
import { openTransfer } from '@hypersdk/disk';
import { allImages } from '../images/all-images.ts';
import { findFaults } from '../round-trip.ts';
import { plainTargets, variantTargets } from '../target-settings.ts';

const [folder = ''] = process.argv.slice(2);
const NAMES = [
  'raw: islands 3',
  'qcow2: zlib, clusters of 65536',
  'qcow2: zstd, clusters of 4096',
  'vmdk monolithicSparse: rewritten 1',
  'vmdk streamOptimized: islands 2',
];
const images = allImages().filter(({ name }) => NAMES.includes(name));
const targets = [...plainTargets, ...variantTargets.filter(({ name }) => /^qcow2 (?:zlib|zstd|extended)/.test(name))];

const faults: string[] = [];
{
  await using engine = openTransfer({ workers: 2 });
  for (const [at, image] of images.entries()) {
    const durability = at % 2 === 0 ? 'sync' : 'none';
    faults.push(
      ...(await findFaults({ image, targets, durability, folder: join(folder, `${at}`), engine })).map((fault) => `${image.name}, ${fault}`),
    );
  }
}
process.stdout.write(JSON.stringify({ images: images.length, faults }));
