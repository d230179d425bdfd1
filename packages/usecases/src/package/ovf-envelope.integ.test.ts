import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { GIB, toDiskId, type ExportedDisk, type VMInfo } from '@hypersdk/domain';
import { buildVM, missing } from '@hypersdk/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeEnvelope } from './ovf-envelope.ts';

const RULES = fileURLToPath(new URL('ovf-envelope.xsd', import.meta.url));

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ovf-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** What xmllint says against the envelope. */
async function complaintsOf(envelope: string): Promise<string> {
  const path = join(folder, 'x.ovf');
  await writeFile(path, envelope);
  const checking = promisify(execFile)('xmllint', ['--nonet', '--noout', '--schema', RULES, path]);
  return checking.then(
    () => '',
    (error: unknown) => (error instanceof Error && 'stderr' in error ? String(error.stderr) : String(error)),
  );
}

const disk = (id: string, index: number): ExportedDisk => ({
  id: toDiskId(id),
  label: id,
  file: `disk-${index}.vmdk`,
  leaves: `disk-${index}.vmdk.leaves`,
  format: 'vmdk',
  fileSize: 1000 + index,
  containerDigest: 'ab'.repeat(32),
  content: { algorithm: 'sha256', leafSize: 4194304, virtualSize: GIB, root: 'cd'.repeat(32) },
  source: { location: id, mark: 'm' },
});
const disksOf = (...ids: readonly string[]): readonly ExportedDisk[] => ids.map(disk);

const nics = [{ id: 'n', mac: '52:54:00:00:00:01', network: 'a & b' }, { id: 'o' }];
const machines: readonly (readonly [string, Partial<VMInfo>, readonly ExportedDisk[]])[] = [
  ['with nothing but a disk', {}, disksOf('a')],
  [
    'with UEFI, Secure Boot and two controllers',
    { firmware: 'uefi', secureBoot: true, cpus: 4, memory: 3 * GIB, nics },
    disksOf('scsi0:0', 'scsi1:3'),
  ],
  ['with hostile names', { firmware: 'bios', name: 'a\u0001<b>"&', os: ']]><x/>', nics }, disksOf('ide0:0', 'ide1:1')],
  ['with a name that VMware knows', { os: 'rhel9_64Guest' }, disksOf('nvme0:0')],
  ['with forty disks', { nics }, disksOf(...Array.from({ length: 40 }, (_, index) => `d${index}`))],
];

describe.skipIf(missing('xmllint'))('an envelope, against the rules of DSP0243', { timeout: 60_000 }, () => {
  test.each(machines)('of a VM %s is valid', async (_, parts, disks) => {
    expect(await complaintsOf(writeEnvelope(buildVM({ ...parts }), disks))).toBe('');
  });

  const good = writeEnvelope(buildVM({ nics }), disksOf('scsi0:0'));
  test.each([
    ['a disk that refers to no file', good.replace('ovf:fileRef="file1"', 'ovf:fileRef="file2"')],
    ['an item without an id', good.replace('<rasd:InstanceID>1</rasd:InstanceID>', '')],
    ['two items with one id', good.replace('<rasd:InstanceID>2</rasd:InstanceID>', '<rasd:InstanceID>1</rasd:InstanceID>')],
    ['a parent that is not there', good.replace(/<rasd:Parent>\d+/, '<rasd:Parent>99')],
    ['a network that is not there', good.replace('<rasd:Connection>a &amp; b', '<rasd:Connection>c')],
    ['sections in another order', good.replace(/( {2}<DiskSection>[^]*<\/DiskSection>\n)( {2}<NetworkSection>[^]*<\/NetworkSection>\n)/, '$2$1')],
    ['a size that is no number', good.replace('ovf:size="1000"', 'ovf:size="1 kB"')],
    ['an element that nobody defined', good.replace('<Name>', '<Nickname/><Name>')],
    ['an attribute without its namespace', good.replace('ovf:href', 'href')],
  ])('%s is noticed', async (_, damaged) => {
    expect(damaged).not.toBe(good);
    expect(await complaintsOf(damaged)).toMatch(/validity error/);
  });
});
