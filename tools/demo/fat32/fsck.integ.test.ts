import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { missing } from '@hypersdk/testkit';
import { afterAll, describe, expect, test } from 'vitest';
import { buildDisk, buildFile, buildFolder, PARTITION_OFFSET } from './build-disk.ts';

const folder = await mkdtemp(join(tmpdir(), 'hypersdk-fsck-'));
afterAll(() => rm(folder, { recursive: true, force: true }));
const env = { ...process.env, PATH: [process.env['PATH'], '/usr/sbin', '/sbin'].join(delimiter) };

/** What fsck.fat says of the partition; it throws when that is a complaint. */
async function check(disk: Buffer): Promise<string> {
  const path = join(folder, 'partition.raw');
  await writeFile(path, disk.subarray(PARTITION_OFFSET));
  return execFileSync('fsck.fat', ['-n', '-v', path], { env, encoding: 'utf8' });
}

describe.skipIf(missing('fsck.fat'))('fsck.fat', () => {
  const files = Array.from({ length: 300 }, (_, at) => buildFile(`a file with number ${at}.txt`, Buffer.alloc(at * 7, at)));
  const tree = buildFolder('', [buildFile('LICENSE', Buffer.from('x'))], [buildFolder('many files', files, [buildFolder('empty', [])])]);

  test('finds nothing to mend', async () => {
    expect(await check(await buildDisk(tree))).toMatch(/: 304 files/); // files and folders, and the label
  });

  test('would complain of a chain that leads nowhere', async () => {
    const disk = await buildDisk(tree);
    const table = PARTITION_OFFSET + 32 * 512;
    disk.writeUInt32LE(0, table + 3 * 4);
    await expect(check(disk)).rejects.toThrow();
  });
});
