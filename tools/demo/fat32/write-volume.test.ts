import { MIB } from '@hypersdk/domain';
import { seededRandom } from '@hypersdk/testkit';
import { expect, test } from 'vitest';
import { buildDisk, buildFile, buildFolder, DISK_SIZE, PARTITION_OFFSET } from './build-disk.ts';
import { readVolume } from './read-volume.ts';

const random = seededRandom(1);
const noise = (size: number): Uint8Array => Uint8Array.from({ length: size }, () => random() * 256);

test('what was written is read back, at every border of a cluster', async () => {
  const sizes = [0, 1, 511, 512, 513, 1023, 1024, 70_001];
  const files = sizes.map((size) => buildFile(`${size} bytes.bin`, noise(size)));
  const read = readVolume(await buildDisk(buildFolder('', files)));
  expect(read.map(({ path, content }) => [path, content.length])).toEqual(sizes.map((size) => [`${size} bytes.bin`, size]));
  for (const [at, file] of files.entries()) expect(read[at]?.content.equals(Buffer.concat(await Array.fromAsync(file.content())))).toBe(true);
});

test('folders lie in folders, and names keep their letters and length', async () => {
  const long = `${'very-'.repeat(50)}.md`;
  const deep = buildFolder('src', [buildFile('index.ts', Buffer.from('deep'))], [buildFolder('empty', [])]);
  const root = buildFolder('', [buildFile('README', Buffer.from('1')), buildFile(long, Buffer.from('2'))], [buildFolder('packages', [], [deep])]);
  const read = readVolume(await buildDisk(root));
  expect(read.map(({ path, content }) => [path, content.toString()])).toEqual([
    ['README', '1'],
    [long, '2'],
    ['packages/src/index.ts', 'deep'],
  ]);
});

test('a folder of many entries fills clusters of its own', async () => {
  const names = Array.from({ length: 700 }, (_, at) => `block-source-contract-${at}.test.ts`);
  const read = readVolume(
    await buildDisk(
      buildFolder(
        '',
        [],
        [
          buildFolder(
            'tests',
            names.map((name) => buildFile(name, Buffer.from(name))),
          ),
        ],
      ),
    ),
  );
  expect(read.map(({ path }) => path)).toEqual(names.map((name) => `tests/${name}`));
  for (const { path, content } of read) expect(`tests/${content.toString()}`).toBe(path);
});

test('a file that changed its size since it was counted is cut or ends in zeros, and the next one is whole', async () => {
  const files = [buildFile('grew', Buffer.from('abcdef'), 3), buildFile('shrank', Buffer.from('abc'), 6), buildFile('next', Buffer.from('whole'))];
  const read = readVolume(await buildDisk(buildFolder('', files)));
  expect(read.map(({ content }) => content.toString())).toEqual(['abc', 'abc\0\0\0', 'whole']);
});

test('equal files give equal disks, and free space is zeros', async () => {
  const root = buildFolder('', [buildFile('a', noise(5000))]);
  const disk = await buildDisk(root);
  expect(disk.equals(await buildDisk(root))).toBe(true);
  const free = disk.subarray(PARTITION_OFFSET + 2 * MIB, DISK_SIZE);
  expect(free.equals(Buffer.alloc(free.length))).toBe(true);
});

test('more files than the volume holds are refused before anything is written', async () => {
  const tooMuch = buildFolder('', [buildFile('huge', new Uint8Array(0), DISK_SIZE)]);
  await expect(buildDisk(tooMuch)).rejects.toMatchObject({ code: 'usage/invalid' });
});
