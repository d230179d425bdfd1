import { createHash } from 'node:crypto';
import { calm, MemoryFolder, StagedVM } from '@hypersdk/testkit';
import { expect, test } from 'vitest';
import { portsIn, requestFor } from './build-export.ts';
import { exportVM } from './export-vm.ts';
import { writeChecksums } from './write-checksums.ts';

const contents = [new Uint8Array(4 * 1024 * 1024 + 512).fill(7), new Uint8Array(64 * 1024).fill(9)];
const stage = () => {
  const target = new MemoryFolder();
  return { target, ports: portsIn(target), request: requestFor(new StagedVM(target, contents)) };
};
const read = async (target: MemoryFolder, name: string): Promise<string> => new TextDecoder().decode(await target.get(name, calm));

test('every file of an export has its line, in the order of names, with the digest of its bytes', async () => {
  const { target, ports, request } = stage();
  const { manifest } = await exportVM(ports)(request, calm);
  const written = await writeChecksums(target)('web-01', manifest, calm);
  const lines = (await read(target, written)).split('\n').slice(0, -1);
  const files = await Array.fromAsync(target.list('web-01/', calm), ({ name }) => name.slice('web-01/'.length));
  expect(lines.map((line) => line.slice(66))).toEqual(files.filter((file) => file !== 'SHA256SUMS'));
  for (const line of lines) {
    const digest = createHash('sha256')
      .update(await target.get(`web-01/${line.slice(66)}`, calm))
      .digest('hex');
    expect(line.slice(0, 66)).toBe(`${digest}  `);
  }
});

test('an export that replaces another leaves no checksums of the old one', async () => {
  const { target, ports, request } = stage();
  const { manifest } = await exportVM(ports)(request, calm);
  await writeChecksums(target)('web-01', manifest, calm);
  await exportVM(ports)({ ...request, overwrite: true }, calm);
  await expect(read(target, 'web-01/SHA256SUMS')).rejects.toMatchObject({ code: 'source/not-found' });
});
