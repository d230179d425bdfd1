import { buildTar, paxHeader, paxRecord, sealHeader } from '../../packages/disk/src/archive/build-tar.ts';
import { readTar } from '../../packages/disk/src/archive/read-tar.ts';
import type { FuzzReader } from '../engine/fuzz-reader.ts';
import type { PagedFile } from '../engine/paged-file.ts';
import { sampleOf } from '../engine/sample.ts';

const BLOCK_SIZE = 512;
const BLOCKS_MAX = 256;

/** The archive of a package (OVA). */
export const archiveReader: FuzzReader = {
  changes: 'places',
  seeds: () =>
    [
      buildTar({ name: 'vm.ovf', content: 'x'.repeat(700) }, { name: 'vm.mf', content: 'y' }, { name: 'disk.vmdk', content: 'z'.repeat(2000) }),
      buildTar(
        paxHeader(paxRecord('path', 'vm one.ovf'), paxRecord('size', '5'), paxRecord('mtime', '1.5')),
        { name: 'vm.ovf', content: '<a/>\n' },
        { name: '././@LongLink', type: 'L', content: `${'n'.repeat(150)}\0` },
        { name: 'n', content: 'z' },
      ),
    ].map((archive) => sampleOf({ archive })),
  mend: ({ files: [file] }) => {
    for (let at = 0; file && at + BLOCK_SIZE <= Math.min(file.size, BLOCKS_MAX * BLOCK_SIZE); at += BLOCK_SIZE) mendHeader(file, at);
  },
  execute: ({ files: [file] }) => {
    let end = 0;
    for (const { name, offset, length } of file ? readTar(file) : []) {
      const isInside = offset >= end && offset + length <= (file?.size ?? 0);
      // A member that lies outside, over another, or under a name that leads somewhere, is a defect.
      if (!isInside || /[/\\\0]|^\.{0,2}$/.test(name)) throw new Error(`A member ${JSON.stringify(name)} lies wrong.`);
      end = offset + length;
    }
  },
};

function mendHeader(file: PagedFile, at: number): void {
  const block = Buffer.alloc(BLOCK_SIZE);
  file.read(at, block);
  if (block.toString('latin1', 257, 262) !== 'ustar') return;
  const before = Buffer.from(block);
  sealHeader(block);
  if (!before.equals(block)) file.write(at, block);
}
