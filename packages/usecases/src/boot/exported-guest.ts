import { HyperError } from '@hypersdk/domain';
import type { Cancel, StorageTarget } from '@hypersdk/ports';
import { folderOf } from '../export/export-files.ts';
import { parseExportManifest } from '../manifest/export-manifest.ts';
import { readDocument } from '../verify/read-document.ts';
import type { BootSubject } from './prove-boot.ts';

/** The guest that an export holds, as its manifest describes it. `manifest` is the name of an object of the target. */
export async function exportedGuest(target: StorageTarget, manifest: string, o: Cancel): Promise<BootSubject> {
  const { exportId, vm, disks } = parseExportManifest(await readDocument(target, manifest, o));
  if (disks.some(({ parent }) => parent))
    throw new HyperError(
      'usage/invalid',
      'This export is an increment, which lies on others; make a full one of it with hyperexport chain flatten, and boot that.',
    );
  const folder = manifest.slice(0, manifest.lastIndexOf('/') + 1);
  const home = `${folderOf(target)}/${folder}`;
  const orderOf = (id: string): number => vm.disks.find((disk) => disk.id === id)?.bootOrder ?? Number.MAX_SAFE_INTEGER;
  const inOrder = disks.toSorted((a, b) => orderOf(a.id) - orderOf(b.id));
  const first = inOrder[0]?.file ?? '';
  return {
    name: `${folder}${first.slice(0, first.lastIndexOf('.'))}`,
    disks: inOrder.map(({ file, format, package: archive }) => ({ path: `${home}${archive === undefined ? '' : `${archive}/`}${file}`, format })),
    exportId,
    vm: vm.name,
    ...(vm.firmware === 'unknown' ? {} : { firmware: vm.firmware }),
    ...(vm.memory === undefined ? {} : { memory: vm.memory }),
    ...(vm.cpus === undefined ? {} : { cpus: vm.cpus }),
  };
}
