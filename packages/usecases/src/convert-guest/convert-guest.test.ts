import type { BootProver, ConversionNews, ConversionRequest, GuestConverter } from '@hypersdk/ports';
import {
  calm,
  convertibleDisk,
  expectRefusal,
  MemoryBootProver,
  MemoryFolder,
  MemoryGuestConverter,
  MemoryInspector,
  mutate,
  StagedVM,
} from '@hypersdk/testkit';
import { expect, test } from 'vitest';
import { chooseParent } from '../chain/choose-parent.ts';
import { readLinks } from '../chain/read-links.ts';
import { portsIn, requestFor } from '../export/build-export.ts';
import { exportVM } from '../export/export-vm.ts';
import { parseExportManifest } from '../manifest/export-manifest.ts';
import { verifyExport } from '../verify/verify-export.ts';
import { convertGuest, type ConvertGuestRequest } from './convert-guest.ts';

const request: ConvertGuestRequest = {
  original: 'web-01',
  name: 'web-01-kvm',
  work: '/work',
  settings: { format: 'raw' },
  verifyPercent: 100,
  parallel: 1,
  overwrite: false,
  timeLimitMs: 60_000,
};

async function stage(change: (converter: GuestConverter, target: MemoryFolder) => Partial<GuestConverter> = () => ({})) {
  const target = new MemoryFolder();
  const vm = new StagedVM(target, [convertibleDisk(8192), new Uint8Array(4096).fill(9)]);
  const exporting = portsIn(target);
  const asked: ConversionRequest[] = [];
  const converter = new MemoryGuestConverter(target);
  const changed = mutate<GuestConverter>(converter, change(converter, target));
  const watched = mutate<GuestConverter>(changed, {
    convert: (wanted, o) => {
      asked.push(wanted);
      return changed.convert(wanted, o);
    },
  });
  const prover: BootProver = new MemoryBootProver(target, { script: () => [] });
  const ports = { ...exporting, inspector: new MemoryInspector(target), converter: watched, prover };
  const { manifest } = await exportVM(exporting)(requestFor(vm), calm);
  const filesOf = (name: string): Promise<readonly string[]> => Array.fromAsync(target.list(`${name}/`, calm), (object) => object.name);
  const bytesOf = (name: string): Promise<Uint8Array> => target.get(name, calm);
  return { target, vm, manifest, ports, asked, filesOf, bytesOf, convert: convertGuest(ports) };
}

test('a converted guest is an export of its own, proven and signed, that names what it was before', async () => {
  const { convert, manifest, bytesOf, ports } = await stage();
  const outcome = await convert(request, calm);
  const written = parseExportManifest(await bytesOf('web-01-kvm/export-manifest.json'));
  expect(written).toEqual(outcome.manifest);
  expect(written.convertedFrom).toEqual({
    exportId: manifest.exportId,
    export: 'web-01',
    roots: manifest.disks.map(({ content }) => content.root),
    by: { name: 'memory', version: '1' },
  });
  expect(written.disks[0]?.content.root).not.toBe(manifest.disks[0]?.content.root);
  expect(written.disks[1]?.content.root).toBe(manifest.disks[1]?.content.root);
  expect(outcome.receipts).toHaveLength(2);
  const report = await verifyExport(ports)({ manifest: 'web-01-kvm/export-manifest.json', publicKey: ports.signer.publicKey, percent: 100 }, calm);
  expect(report.ok).toBe(true);
});

test('not a byte of the original changes, and it is still the parent of what comes', async () => {
  const { convert, filesOf, bytesOf, target, vm } = await stage();
  const names = await filesOf('web-01');
  const before = await Promise.all(names.map(bytesOf));
  await convert(request, calm);
  expect(await filesOf('web-01')).toEqual(names);
  expect(await Promise.all(names.map(bytesOf))).toEqual(before);
  const { links } = await readLinks(target, calm);
  const [disk] = vm.info.disks;
  expect(links).toHaveLength(2);
  expect(disk && chooseParent(links, vm.info, disk)).toMatchObject({ explanation: expect.stringContaining('web-01 is the last export') });
});

test('what the converter says is told, and its warnings are those of the outcome', async () => {
  const { convert } = await stage();
  const news: ConversionNews[] = [];
  const outcome = await convert(request, { ...calm, onNews: (one) => void news.push(one) });
  expect(news.map(({ kind }) => kind)).toEqual(['step', 'step', 'note', 'warning']);
  expect(outcome).toMatchObject({ notes: [expect.stringContaining('agent')], warnings: [expect.stringContaining('boot loader')] });
});

test('the converter gets the images in boot order, the firmware of the VM, and what virtualisation works here', async () => {
  const { convert, asked } = await stage();
  await convert(request, calm);
  expect(asked[0]).toMatchObject({
    firmware: 'uefi',
    accelerator: 'tcg',
    disks: [{ path: '/exports/web-01/disk-0.raw' }, { path: '/exports/web-01/disk-1.raw' }],
  });
});

test('an original that is written meanwhile gives no export', async () => {
  const { convert, filesOf } = await stage((converter, target) => ({
    convert: async (wanted, o) => {
      const converted = await converter.convert(wanted, o);
      target.write('/exports/web-01/disk-1.raw', new Uint8Array(4096).fill(8));
      return converted;
    },
  }));
  await expectRefusal(convert(request, calm), 'source/changed');
  expect(await filesOf('web-01-kvm')).not.toContain('web-01-kvm/export-manifest.json');
});

test('a guest that cannot be converted, and a converter that is not there, leave the original alone', async () => {
  const { ports, filesOf } = await stage();
  const reason = 'virt-v2v is not installed.';
  const without = { ...ports, converter: new MemoryGuestConverter(ports.target, { ready: false, reason }) };
  expect((await expectRefusal(convertGuest(without)(request, calm), 'convert/unavailable')).message).toContain(reason);
  await expectRefusal(convertGuest(ports)({ ...request, timeLimitMs: 1 }, calm), 'convert/failed');
  expect(await filesOf('web-01-kvm')).toEqual([]);
});

test('what could not be published is refused before anything is converted', async () => {
  const { convert, asked } = await stage();
  await convert(request, calm);
  await expectRefusal(convert(request, calm), 'target/exists');
  await expectRefusal(convert({ ...request, original: 'web-01-kvm', name: 'twice' }, calm), 'usage/invalid');
  await expectRefusal(convert({ ...request, original: 'db-01', name: 'other' }, calm), 'source/not-found');
  expect(asked).toHaveLength(1);
  await convert({ ...request, overwrite: true }, calm);
});
