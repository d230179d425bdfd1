import { toDiskId, type ExportManifest } from '@hypersdk/domain';
import { describe, expect, test } from 'vitest';
import { parseArtifactManifest, toArtifactManifest } from './artifact-manifest.ts';
import { exportedVM, manifestOf } from './build-export-manifest.ts';
import { sealExportManifest, writeDocument } from './export-manifest.ts';

const exported = (index: number): ExportManifest['disks'][number] => ({
  id: `scsi0:${index}`,
  label: `Hard disk ${index + 1}`,
  file: `disk-${index}.qcow2`,
  leaves: `disk-${index}.qcow2.leaves`,
  format: 'qcow2',
  fileSize: 1000 + index,
  containerDigest: String(index).repeat(64),
  content: { algorithm: 'sha256', leafSize: 4 * 1024 * 1024, virtualSize: 10_000, root: 'b'.repeat(64) },
  source: { location: `/vm/disk-${index}.vmdk`, mark: 'mark' },
});

const manifest = sealExportManifest(
  manifestOf({
    vm: {
      ...exportedVM,
      name: 'web 01',
      disks: [0, 1].map((index) => ({ id: toDiskId(`scsi0:${index}`), label: '', virtualSize: 10_000, location: '', bootOrder: 2 - index })),
    },
    disks: [exported(0), exported(1)],
    receipts: ['disk-0.qcow2.receipt.json', 'disk-1.qcow2.receipt.json'],
  }),
);

describe('artifact manifest', () => {
  test('it says what the export manifest says, in its own words', () => {
    expect(toArtifactManifest(manifest)).toEqual({
      manifest_version: '1.0',
      source: { provider: 'files', vm_id: 'vm-1', vm_name: 'web 01', export_timestamp: '2026-01-01T00:01:00.000Z', export_method: 'hyperexport' },
      vm: { cpu: 4, mem_gb: 2, firmware: 'uefi', secureboot: true, os_hint: 'rhel9' },
      disks: [
        {
          id: 'disk-0',
          source_format: 'qcow2',
          bytes: 1000,
          local_path: 'disk-0.qcow2',
          checksum: `sha256:${'0'.repeat(64)}`,
          boot_order_hint: 2,
          label: 'Hard disk 1',
          disk_type: 'data',
        },
        {
          id: 'disk-1',
          source_format: 'qcow2',
          bytes: 1001,
          local_path: 'disk-1.qcow2',
          checksum: `sha256:${'1'.repeat(64)}`,
          boot_order_hint: 1,
          label: 'Hard disk 2',
          disk_type: 'boot',
        },
      ],
      nics: [{ id: 'net0', mac: '00:50:56:00:00:01' }],
      notes: [],
      warnings: [],
      metadata: { hypersdk_version: '0.1.0', job_id: '01JGFJJZ000000000000000001', created_at: '2026-01-01T00:01:00.000Z', tags: { owner: 'ops' } },
    });
  });

  test('where nobody knows the boot order, no disk is called the boot disk', () => {
    const vm = { ...manifest.vm, disks: manifest.vm.disks.map(({ bootOrder: _, ...disk }) => disk) };
    const disks = toArtifactManifest({ ...manifest, vm })?.disks;
    expect(disks?.map((disk) => [disk.boot_order_hint, disk.disk_type])).toEqual([
      [999, 'unknown'],
      [999, 'unknown'],
    ]);
  });

  test('there is none for disks in a format that it has no word for', () => {
    const disks = manifest.disks.map((disk) => Object.assign({}, disk, { format: 'clay-tablet' }));
    expect(toArtifactManifest({ ...manifest, disks })).toBeUndefined();
  });

  test('what it writes it reads', () => {
    const artifact = toArtifactManifest(manifest) ?? {};
    expect(parseArtifactManifest(writeDocument(artifact))).toEqual(artifact);
  });

  test('a whole document of another writer is read, with every block', () => {
    const full = {
      manifest_version: '1.0',
      source: {
        provider: 'vsphere',
        vm_id: 'vm-42',
        vm_name: 'db',
        datacenter: 'DC1',
        export_timestamp: '2026-01-01T01:00:00+01:00',
        export_method: 'govc',
      },
      vm: { cpu: 2, mem_gb: 8, firmware: 'bios', secureboot: false, os_hint: 'linux', os_version: '9.4' },
      disks: [{ id: 'boot_disk-1', source_format: 'vhdx', bytes: 5, local_path: '/exports/db/disk.vhdx' }],
      nics: [{ id: 'n', mac: '00:00:00:00:00:01', network: 'VM Network' }],
      notes: ['note'],
      warnings: [{ stage: 'export', message: 'slow', timestamp: '2026-01-01T00:00:00Z' }],
      metadata: { hypersdk_version: '1', job_id: 'j', created_at: '2026-01-01T00:00:00Z', tags: { a: 'b' } },
      pipeline: {
        inspect: { enabled: true, collect_guest_info: true },
        fix: {
          enabled: true,
          backup: true,
          print_fstab: false,
          update_grub: true,
          regen_initramfs: true,
          fstab_mode: 'stabilize-all',
          remove_vmware_tools: true,
        },
        convert: { enabled: true, compress: true, compress_level: 6 },
        validate: { enabled: true, check_image_integrity: true },
      },
      configuration: { users: [{ name: 'x' }], services: {}, hostname: 'db', network: {} },
      output: { directory: '/out', format: 'qcow2', filename: 'db.qcow2' },
      options: { dry_run: false, verbose: 3, report: { enabled: true, path: 'report.json' } },
    };
    expect(parseArtifactManifest(writeDocument(full))).toEqual(full);
  });

  test.each([
    ['disks[0].id', { id: 'a b' }],
    ['disks[0].source_format', { source_format: 'ova' }],
    ['disks[0].checksum', { checksum: 'sha256:00' }],
    ['disks[0]', { size: 5 }],
  ])('field %s with another value than the document allows is refused by its name', (field, change) => {
    const artifact = toArtifactManifest(manifest);
    const wrong = { ...artifact, disks: [{ ...artifact?.disks[0], ...change }] };
    expect(() => parseArtifactManifest(writeDocument(wrong))).toThrow(
      expect.objectContaining({ code: 'manifest/malformed', message: expect.stringContaining(field) }),
    );
  });
});
