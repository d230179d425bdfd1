// libvirt, "Domain XML format": a VM built anew from what is known of it. Nothing of a foreign description is taken over but names and figures.
import { GIB, type DiskBus, type VMInfo } from '@hypersdk/domain';
import { xml, xmlText } from '@hypersdk/wire';
import { macOf } from '../../said-fields.ts';
import type { HostAbilities } from './host-abilities.ts';
import { planDisks, type PlannedDisk } from './plan-disks.ts';
import { RESTORE_KEY, RESTORE_NAMESPACE } from './restore-names.ts';

/** What each network card is connected to; undefined: nothing. */
export type NicNetworks = readonly (string | undefined)[];

export interface DomainWish {
  readonly uuid: string;
  readonly name: string;
  readonly vm: VMInfo;
  readonly identity: 'new' | 'kept';
  readonly abilities: HostAbilities;
  readonly networks: NicNetworks;
  /** Paths of the images, in the order of the disks. */
  readonly paths: readonly string[];
  /** Who makes it, for as long as it is not finished. */
  readonly by: string;
}

/** For VMs whose platform did not say. */
const MEMORY = 2 * GIB;
const CPUS = 2;

export function toDomainXml(wish: DomainWish): string {
  const { vm, abilities, uuid, name, by } = wish;
  const machine = machineOf(vm, abilities);
  const disks = planDisks(vm.disks);
  return xml(
    'domain',
    { type: abilities.kind },
    xml('name', {}, xmlText(name)),
    xml('uuid', {}, uuid),
    xml('metadata', {}, xml(`${RESTORE_KEY}:restore`, { [`xmlns:${RESTORE_KEY}`]: RESTORE_NAMESPACE, by })),
    xml('memory', { unit: 'b' }, String(vm.memory ?? MEMORY)),
    xml('vcpu', {}, String(vm.cpus ?? CPUS)),
    osOf(vm, { arch: abilities.arch, machine }),
    xml('features', {}, xml('acpi'), ...(isX86(abilities.arch) ? [xml('apic')] : [])),
    xml('cpu', { mode: abilities.kind === 'kvm' ? 'host-model' : 'maximum' }),
    xml('clock', { offset: /microsoft|windows/i.test(vm.os ?? '') ? 'localtime' : 'utc' }),
    xml(
      'devices',
      {},
      ...disks.map((disk, index) => diskOf(disk, wish.paths[index] ?? '')),
      ...controllersOf(disks),
      ...nicsOf(wish, { machine, disks }),
      ...(isParavirtual(disks) || vm.guestAgent !== undefined ? [AGENT_CHANNEL] : []),
      xml('console', { type: 'pty' }),
      xml('graphics', { type: 'vnc', autoport: 'yes' }),
    ),
  );
}

/** What will be other than it was, in sentences. */
export function differencesOf(vm: VMInfo): readonly string[] {
  return [
    ...(vm.memory === undefined ? ['How much memory it had is not known: it gets 2 GiB.'] : []),
    ...(vm.cpus === undefined ? ['How many processors it had is not known: it gets 2.'] : []),
    ...(vm.firmware === 'unknown' ? ['Whether it started by BIOS or UEFI is not known: it gets a BIOS.'] : []),
    ...(vm.firmware === 'uefi' ? ['The variables of its UEFI are not in its disks: they begin anew.'] : []),
    ...(vm.tpm ? ['The secrets of its trusted platform module are not in its disks: it gets none.'] : []),
    ...(vm.disks.some(({ bus }) => bus === undefined || bus === 'nvme') ? ['Disks whose bus is not known or not to be had hang on SATA.'] : []),
  ];
}

/** Machines in families: of which generation one was is no matter to a guest. */
function machineOf(vm: VMInfo, { arch, machines }: HostAbilities): string | undefined {
  const family = isX86(arch) ? pcOf(vm) : 'virt';
  return machines.includes(family) ? family : undefined;
}

/** An old PC only where it was one, or has the disks of one. */
function pcOf({ machine, firmware, disks }: VMInfo): 'q35' | 'pc' {
  if (firmware === 'uefi' || machine?.includes('q35')) return 'q35';
  return machine?.startsWith('pc') || disks.some(({ bus }) => bus === 'ide') ? 'pc' : 'q35';
}

const isX86 = (arch: string): boolean => arch === 'x86_64' || arch === 'i686';

/** "Operating system booting": libvirt finds the firmware that has these features. */
function osOf({ firmware, secureBoot }: VMInfo, { arch, machine }: { readonly arch: string; readonly machine: string | undefined }): string {
  const type = xml('type', { arch, machine }, 'hvm');
  if (firmware !== 'uefi') return xml('os', {}, type);
  const enabled = secureBoot ? 'yes' : 'no';
  const features = [xml('feature', { enabled, name: 'secure-boot' }), ...(secureBoot ? [xml('feature', { enabled, name: 'enrolled-keys' })] : [])];
  return xml('os', { firmware: 'efi' }, type, xml('firmware', {}, ...features));
}

const diskOf = ({ target, bus, bootOrder }: PlannedDisk, path: string): string =>
  xml(
    'disk',
    { type: 'file', device: 'disk' },
    xml('driver', { name: 'qemu', type: 'qcow2' }),
    xml('source', { file: path }),
    xml('target', { dev: target, bus: bus === 'virtio-scsi' ? 'scsi' : bus }),
    ...(bootOrder === undefined ? [] : [xml('boot', { order: bootOrder })]),
  );

/** The model of a controller decides whether the guest has a driver for its disks. */
function controllersOf(disks: readonly PlannedDisk[]): readonly string[] {
  const model = hasBus(disks, 'virtio-scsi') ? 'virtio-scsi' : hasBus(disks, 'scsi') ? 'lsilogic' : undefined;
  return model === undefined ? [] : [xml('controller', { type: 'scsi', index: 0, model })];
}

const hasBus = (disks: readonly PlannedDisk[], bus: DiskBus): boolean => disks.some((disk) => disk.bus === bus);

/** Whether the guest has drivers of virtio, as far as its disks tell. */
const isParavirtual = (disks: readonly PlannedDisk[]): boolean => hasBus(disks, 'virtio') || hasBus(disks, 'virtio-scsi');

/** "Network interfaces": one that is connected to nothing has its cable pulled out. */
function nicsOf(
  { vm, identity, networks, abilities }: DomainWish,
  { machine, disks }: { readonly machine: string | undefined; readonly disks: readonly PlannedDisk[] },
): readonly string[] {
  const model = isParavirtual(disks) || !isX86(abilities.arch) ? 'virtio' : machine === 'q35' ? 'e1000e' : 'e1000';
  return vm.nics.map((nic, index) => {
    const network = networks[index];
    const mac = identity === 'kept' ? macOf(nic.mac) : undefined;
    return xml(
      'interface',
      { type: network === undefined ? 'user' : 'network' },
      ...(mac === undefined ? [] : [xml('mac', { address: mac })]),
      ...(network === undefined ? [] : [xml('source', { network })]),
      xml('model', { type: model }),
      ...(network === undefined ? [xml('link', { state: 'down' })] : []),
    );
  });
}

const AGENT_CHANNEL = xml('channel', { type: 'unix' }, xml('target', { type: 'virtio', name: 'org.qemu.guest_agent.0' }));
