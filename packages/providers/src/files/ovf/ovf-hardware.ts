// DSP0243 2.1.1, "VirtualHardwareSection"; resource types of the CIM schema, CIM_ResourceAllocationSettingData.
import type { NicInfo } from '@hypersdk/domain';
import type { XmlElement } from '@hypersdk/wire';
import type { DescribedDisk, DescribedVM } from '../described-vm.ts';
import { countWithin, DISKS_MAX, macOf, memoryOf, NICS_MAX, present, tidyText } from '../../said-fields.ts';
import { quote } from '../report.ts';
import type { OvfDisk } from './ovf-disks.ts';
import { refuseOvf } from './ovf-refusal.ts';
import { toOvfBytes } from './ovf-units.ts';
import { attribute, childrenOf, textOf } from './ovf-xml.ts';

const TYPE = { cpu: '3', memory: '4', ide: '5', scsi: '6', nic: '10', disk: '17', otherStorage: '20' } as const;
/** The items of 2.0, which has elements of their own for disks and network cards. */
const ITEMS = ['Item', 'StorageItem', 'EthernetPortItem'];
/** A VM with all its disks, cards and controllers has some hundreds. */
const ITEMS_MAX = 2000;
const CPUS_MAX = 65_536;
/** Numbers of controllers and units on them that some platform has. */
const ADDRESS_MAX = 255;

export interface OvfHardware extends Pick<DescribedVM, 'disks' | 'elsewhere' | 'nics'> {
  readonly cpus?: number;
  readonly memory?: number;
}

export interface HardwareContext {
  readonly disks: ReadonlyMap<string, OvfDisk>;
  /** The deployment option that counts, when there are several. */
  readonly configuration: string | undefined;
}

export function readOvfHardware(section: XmlElement, context: HardwareContext): OvfHardware {
  const items = ITEMS.flatMap((name) => childrenOf(section, name)).filter((item) => isChosen(item, context.configuration));
  if (items.length > ITEMS_MAX) throw refuseOvf('ovf/too-many', `it has more than ${ITEMS_MAX} items of hardware`);
  const ofType = (type: string): readonly XmlElement[] => items.filter((item) => textOf(item, 'ResourceType') === type);
  return {
    ...present({
      cpus: countWithin(String(ofType(TYPE.cpu).reduce((sum, item) => sum + (countWithin(quantityOf(item), CPUS_MAX) ?? 0), 0)), CPUS_MAX),
      memory: memoryIn(ofType(TYPE.memory)),
    }),
    ...disksIn(ofType(TYPE.disk), { ...context, controllers: controllersIn(items) }),
    nics: ofType(TYPE.nic).slice(0, NICS_MAX).map(toNic),
  };
}

const quantityOf = (item: XmlElement): string | undefined => textOf(item, 'VirtualQuantity');

/** An item of another deployment option, or one that only bounds another, is not part of this VM. */
function isChosen(item: XmlElement, configuration: string | undefined): boolean {
  if (attribute(item, 'bound') !== undefined) return false;
  const wanted = attribute(item, 'configuration');
  return wanted === undefined || (configuration !== undefined && wanted.split(/\s+/).includes(configuration));
}

function memoryIn(items: readonly XmlElement[]): number | undefined {
  if (items.length === 0) return undefined;
  // Without a unit it is what all programs mean.
  return memoryOf(items.reduce((sum, item) => sum + toOvfBytes(quantityOf(item), textOf(item, 'AllocationUnits') ?? 'byte * 2^20', 'memory'), 0));
}

/** Controllers by their instance id, called as VMware calls them: `scsi0`, `sata1`. */
function controllersIn(items: readonly XmlElement[]): ReadonlyMap<string, string> {
  const controllers = new Map<string, string>();
  const taken = new Set<string>();
  for (const item of items) {
    const [bus, id] = [busOf(item), textOf(item, 'InstanceID')];
    if (bus === undefined || id === undefined) continue;
    if (controllers.has(id)) throw refuseOvf('ovf/duplicate-id', `the item ${quote(id)} is there twice`);
    const name = freeName(bus, { wanted: addressOf(textOf(item, 'Address')) ?? 0, taken });
    taken.add(name);
    controllers.set(id, name);
  }
  return controllers;
}

/** Some programs give several controllers one address: the next of them has the lowest number that is free. */
function freeName(bus: string, { wanted, taken }: { readonly wanted: number; readonly taken: ReadonlySet<string> }): string {
  if (!taken.has(`${bus}${wanted}`)) return `${bus}${wanted}`;
  let number = 0;
  while (taken.has(`${bus}${number}`)) number += 1;
  return `${bus}${number}`;
}

function busOf(item: XmlElement): string | undefined {
  const [type, subtype] = [textOf(item, 'ResourceType'), textOf(item, 'ResourceSubType') ?? ''];
  if (type === TYPE.ide) return 'ide';
  if (type === TYPE.scsi) return 'scsi';
  if (type !== TYPE.otherStorage) return undefined;
  if (/nvme/i.test(subtype)) return 'nvme';
  return /virtio/i.test(subtype) ? 'virtio' : 'sata';
}

const addressOf = (text: string | undefined): number | undefined => {
  const address = text !== undefined && /^\d{1,3}$/.test(text) ? Number(text) : undefined;
  return address !== undefined && address <= ADDRESS_MAX ? address : undefined;
};

function disksIn(
  items: readonly XmlElement[],
  { disks, controllers }: HardwareContext & { readonly controllers: ReadonlyMap<string, string> },
): Pick<DescribedVM, 'disks' | 'elsewhere'> {
  const found: DescribedDisk[] = [];
  const elsewhere: string[] = [];
  for (const [index, item] of items.entries()) {
    if (index >= DISKS_MAX) throw refuseOvf('ovf/too-many', `its VM has more than ${DISKS_MAX} disks`);
    const disk = diskOf(item, disks);
    const controller = controllers.get(textOf(item, 'Parent') ?? '');
    const unit = addressOf(textOf(item, 'AddressOnParent'));
    const place = controller === undefined || unit === undefined ? undefined : `${controller}:${unit}`;
    // Two disks cannot sit in one place; the descriptor's own id then tells them apart.
    const id = place === undefined || found.some((other) => other.id === place) ? (tidyText(disk.id) ?? `disk${index}`) : place;
    if (found.some((other) => other.id === id)) throw refuseOvf('ovf/duplicate-id', `the disk ${quote(disk.id)} is used twice`);
    if (disk.file === undefined) elsewhere.push(`${id} is to be made empty and has no file`);
    else found.push({ id, file: disk.file, ...present({ format: disk.format }) });
  }
  return { disks: found, elsewhere };
}

/** `ovf:/disk/vmdisk1`; programs leave the `ovf:` out. */
function diskOf(item: XmlElement, disks: ReadonlyMap<string, OvfDisk>): OvfDisk {
  const resource = textOf(item, 'HostResource');
  const id = /^(?:ovf:)?\/disk\/(.+)$/.exec(resource ?? '')?.[1];
  const disk = id === undefined ? undefined : disks.get(id);
  if (!disk) throw refuseOvf('ovf/unknown-reference', `a disk of its VM is ${quote(resource ?? '')}, which is not in the package`);
  return disk;
}

const toNic = (item: XmlElement, index: number): NicInfo => ({
  id: `nic${index}`,
  ...present({ mac: macOf(spelledWithColons(textOf(item, 'Address'))), network: tidyText(textOf(item, 'Connection')) }),
});

/** VirtualBox writes `080027A1B2C3`. */
const spelledWithColons = (mac: string | undefined): string | undefined =>
  mac !== undefined && /^[0-9A-Fa-f]{12}$/.test(mac) ? (mac.match(/../g) ?? []).join(':') : mac;
