import { HyperError, type VMInfo } from '@hypersdk/domain';
import { toExportName } from '@hypersdk/usecases';
import type { ExportFlags } from '../commands/export.ts';
import { toExportSettings } from '../flags/export-format.ts';
import type { EncryptFlags } from '../flags/key-flags.ts';
import type { Services } from '../services.ts';

type Choice = EncryptFlags &
  Pick<ExportFlags, 'name' | 'disk' | 'sourceFormat' | 'format' | 'bootProof' | 'incremental' | 'noFull' | 'bitmap' | 'overwrite'>;

/** What would stop the run later, told before the first byte is read. */
export function checkChoice(vms: readonly VMInfo[], flags: Choice): void {
  checkFormats(vms, flags);
  checkNames(vms, flags);
  checkIncrement(flags);
  if (flags.bootProof && isEncrypted(flags))
    throw new HyperError(
      'usage/invalid',
      '--boot-proof reads the copy, which is closed once it is encrypted; boot it afterwards: hyperexport boot FOLDER --identity FILE',
    );
}

/** Settings that the disks cannot be written with: limits of formats grow or end with the size, so the smallest and the largest speak for all. */
export function checkSizes({ checkSettings }: Pick<Services, 'checkSettings'>, vms: readonly VMInfo[], flags: ExportFlags): void {
  const { settings } = toExportSettings(flags, 'qcow2');
  const sizes = vms.flatMap((vm) => chosenDisks(vm, flags).map(({ virtualSize }) => virtualSize));
  if (sizes.length === 0) return;
  for (const size of [sizes.reduce((a, b) => Math.min(a, b)), sizes.reduce((a, b) => Math.max(a, b))]) checkSettings(settings, size);
}

export const chosenDisks = (vm: VMInfo, flags: Choice): VMInfo['disks'] => vm.disks.filter((disk) => flags.disk?.includes(disk.id) ?? true);

function checkIncrement({ incremental, noFull, bitmap, overwrite, bootProof, format = 'qcow2' }: Choice): void {
  if (!incremental && (noFull || bitmap !== undefined))
    throw new HyperError('usage/invalid', `${noFull ? '--no-full' : '--bitmap'} says how --incremental is done; give both`);
  if (incremental && format !== 'qcow2') throw new HyperError('usage/invalid', '--incremental writes qcow2 images, which can lie on each other');
  if (incremental && bootProof)
    throw new HyperError('usage/invalid', '--boot-proof needs whole images, and --incremental makes images that lie on others; boot a flattened one');
  if (incremental && overwrite) throw new HyperError('usage/invalid', '--incremental never replaces an export; leave --overwrite out');
}

const isEncrypted = (flags: EncryptFlags): boolean =>
  (flags.encryptTo ?? flags.encryptToFile ?? flags.encryptPassphraseFile) !== undefined || (flags.encryptPassphrase ?? false);

/** The provider goes by the bytes of an image; what the person expects is held against that. */
function checkFormats(vms: readonly VMInfo[], flags: Choice): void {
  const { sourceFormat } = flags;
  const other = vms.flatMap((vm) => chosenDisks(vm, flags)).find((disk) => sourceFormat !== undefined && disk.format !== sourceFormat);
  if (other)
    throw new HyperError('image/format-mismatch', `${other.location} is ${other.format ?? 'of no known format'}, not ${String(sourceFormat)}`);
}

function checkNames(vms: readonly VMInfo[], flags: Choice): void {
  if (flags.name !== undefined && vms.length > 1) throw new HyperError('usage/invalid', `--name fits one VM, and ${vms.length} are to be exported`);
  const taken = new Map<string, VMInfo>();
  for (const vm of vms) {
    const other = taken.get(toExportName(vm.name));
    if (other)
      throw new HyperError('usage/invalid', `${other.id} and ${vm.id} have one name and would go to one folder; export them one by one with --name`);
    taken.set(toExportName(vm.name), vm);
  }
}
