// libvirt, "Domain XML format" (formatdomain): what the elements say of a VM, apart from where its disks lie.
import { diskBuses, type DiskBus, type Firmware, type NicInfo, type VMInfo } from '@hypersdk/domain';
import { childNamed, childrenNamed, localName, type XmlElement } from '@hypersdk/wire';
import { countWithin, macOf, memoryOf, NICS_MAX, present, tidyText } from './said-fields.ts';

/** "Memory Allocation": units are powers of 1000 with a bare B, powers of 1024 otherwise; without a unit it is KiB. */
const UNITS: Readonly<Record<string, number>> = {
  b: 1,
  bytes: 1,
  kb: 1000,
  k: 1024,
  kib: 1024,
  mb: 1000 ** 2,
  m: 1024 ** 2,
  mib: 1024 ** 2,
  gb: 1000 ** 3,
  g: 1024 ** 3,
  gib: 1024 ** 3,
  tb: 1000 ** 4,
  t: 1024 ** 4,
  tib: 1024 ** 4,
};

const CPUS_MAX = 65_536;

type Hardware = Pick<VMInfo, 'firmware' | 'nics'> & Partial<Pick<VMInfo, 'cpus' | 'memory' | 'os' | 'arch' | 'machine' | 'secureBoot'>>;

/** All of it that both a descriptor and a running hypervisor tell. */
export function hardwareOf(domain: XmlElement): Hardware {
  const vcpu = childNamed(domain, 'vcpu');
  const os = childNamed(domain, 'os');
  const type = os && childNamed(os, 'type')?.attributes;
  return {
    ...present({
      cpus: countWithin(vcpu?.attributes.get('current') ?? vcpu?.text, CPUS_MAX),
      memory: toBytes(childNamed(domain, 'memory')),
      os: osOf(domain),
      arch: tidyText(type?.get('arch')),
      machine: tidyText(type?.get('machine')),
      secureBoot: secureBootOf(domain),
    }),
    firmware: firmwareOf(domain),
    nics: childrenNamed(childNamed(domain, 'devices'), 'interface').slice(0, NICS_MAX).map(toNic),
  };
}

function toBytes(memory: XmlElement | undefined): number | undefined {
  const count = countWithin(memory?.text, Number.MAX_SAFE_INTEGER);
  const unit = UNITS[memory?.attributes.get('unit')?.toLowerCase() ?? 'kib'];
  return count === undefined || unit === undefined ? undefined : memoryOf(count * unit);
}

/** What the installer's database calls the guest: an address such as `http://debian.org/debian/12`. */
function osOf(domain: XmlElement): string | undefined {
  const database = childNamed(domain, 'metadata')?.children.find((child) => localName(child) === 'libosinfo');
  return tidyText(database?.children.find((child) => localName(child) === 'os')?.attributes.get('id'));
}

/** "BIOS bootloader": the `firmware` attribute decides, else the kind of loader, else what QEMU starts on a PC. */
function firmwareOf(domain: XmlElement): Firmware {
  const os = childNamed(domain, 'os');
  const named = os?.attributes.get('firmware');
  if (named === 'efi') return 'uefi';
  if (named === 'bios') return 'bios';
  const loader = os && childNamed(os, 'loader');
  if (loader?.attributes.get('type') === 'pflash') return 'uefi';
  if (loader && /OVMF|AAVMF|edk2/i.test(loader.text)) return 'uefi';
  const arch = (os && childNamed(os, 'type'))?.attributes.get('arch');
  return arch === 'x86_64' || arch === 'i686' ? 'bios' : 'unknown';
}

function secureBootOf(domain: XmlElement): boolean | undefined {
  const os = childNamed(domain, 'os');
  const feature = childrenNamed(os && childNamed(os, 'firmware'), 'feature').find((candidate) => candidate.attributes.get('name') === 'secure-boot');
  if (feature) return feature.attributes.get('enabled') === 'yes';
  return (os && childNamed(os, 'loader'))?.attributes.get('secure') === 'yes' ? true : undefined;
}

/** Where hard disks stand among the devices that are tried at start, when the order is given for the whole VM. */
export function bootPlaceOf(domain: XmlElement): number | undefined {
  const place = childrenNamed(childNamed(domain, 'os'), 'boot').findIndex((boot) => boot.attributes.get('dev') === 'hd');
  return place < 0 ? undefined : place + 1;
}

/** What names of disks say of their bus, where nothing else does. */
const BUS_OF_NAME: Readonly<Record<string, string>> = { vd: 'virtio', sd: 'scsi', hd: 'ide' };

/** "Hard drives, floppy disks, CDROMs" and "Controllers": a SCSI disk hangs on a paravirtual controller or on one of a real model. */
export function diskBusOf(domain: XmlElement, disk: XmlElement): DiskBus | undefined {
  const target = childNamed(disk, 'target')?.attributes;
  const bus = target?.get('bus') ?? BUS_OF_NAME[target?.get('dev')?.slice(0, 2) ?? ''];
  if (bus !== 'scsi') return diskBuses.find((known) => known === bus);
  const controllers = childrenNamed(childNamed(domain, 'devices'), 'controller').filter(({ attributes }) => attributes.get('type') === 'scsi');
  return controllers.some(({ attributes }) => attributes.get('model')?.startsWith('virtio')) ? 'virtio-scsi' : 'scsi';
}

/** "Network interfaces". */
function toNic(nic: XmlElement, index: number): NicInfo {
  const source = childNamed(nic, 'source')?.attributes;
  const network = source?.get('network') ?? source?.get('bridge') ?? source?.get('dev');
  return { id: `nic${index}`, ...present({ mac: macOf(childNamed(nic, 'mac')?.attributes.get('address')), network: tidyText(network) }) };
}
