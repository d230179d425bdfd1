// libvirt, "Storage pool and volume XML format" and "Domain XML format": the volumes that the disks of a VM are.
import { dirname } from 'node:path/posix';
import { HyperError, type VMInfo, type DiskInfo } from '@hypersdk/domain';
import type { Cancel } from '@hypersdk/ports';
import { childNamed, childrenNamed, parseXml, type XmlElement } from '@hypersdk/wire';
import { lookUpPool } from '../restore/storage.ts';
import { procedures, type StorageVolume } from '../rpc/procedures.ts';
import type { Caller } from '../rpc/rpc-client.ts';
import { findVolumeAt, unlessAbsent } from './find-volume.ts';

/** A disk with content of its own, and where that lies. */
export interface SourceDisk {
  readonly disk: DiskInfo;
  readonly volume: StorageVolume;
  readonly path: string;
  readonly format: 'qcow2' | 'raw';
  readonly look: VolumeLook;
}

/** What a pool says of a volume. */
export interface VolumeLook {
  readonly format: string;
  readonly capacity: number;
  readonly allocation: number;
  readonly hasBacking: boolean;
  /** When it was last written; absent for pools that do not know. */
  readonly writtenAt?: string;
}

/** What a pool calls content that it knows no structure of that would lead elsewhere. */
const PLAIN = ['raw', 'iso', 'none', 'unknown'];

/** Disks that the clone has to have for itself. What is made to be shared, or cannot be written, is no such disk. */
export async function findSourceDisks(
  client: Caller,
  { definition, vm }: { readonly definition: XmlElement; readonly vm: VMInfo },
  o: Cancel,
): Promise<readonly SourceDisk[]> {
  const devices = childNamed(definition, 'devices');
  // "Memory devices": what lasts of them lies in a file that both VMs would write to.
  if (childrenNamed(devices, 'memory').some((memory) => childNamed(memory, 'source', 'path')))
    throw new HyperError('libvirt/unsupported', `The VM ${vm.name} has memory that lies in a file of the host, and libvirt copies none such.`);
  const found: SourceDisk[] = [];
  for (const element of childrenNamed(devices, 'disk')) {
    const target = childNamed(element, 'target')?.attributes.get('dev') ?? '';
    const device = element.attributes.get('device') ?? 'disk';
    if (device === 'cdrom' || device === 'floppy' || childNamed(element, 'shareable') || childNamed(element, 'readonly')) continue;
    const disk = vm.disks.find(({ id }) => id === target);
    if (device !== 'disk' || !disk) throw cannot(vm, target, 'it is passed through from the host, or its content is not known');
    found.push(await findSourceDisk(client, { element, disk, vm }, o));
  }
  return found;
}

async function findSourceDisk(
  client: Caller,
  { element, disk, vm }: { readonly element: XmlElement; readonly disk: DiskInfo; readonly vm: VMInfo },
  o: Cancel,
): Promise<SourceDisk> {
  if (childNamed(element, 'encryption') || childNamed(element, 'source', 'encryption'))
    throw cannot(vm, disk.id, 'it is encrypted, and libvirt copies no such volumes');
  const format = childNamed(element, 'driver')?.attributes.get('type') ?? 'raw';
  if (format !== 'qcow2' && format !== 'raw') throw cannot(vm, disk.id, `it is of the format ${format}, and only qcow2 and raw are cloned`);
  const volume = await locate(client, element, o);
  if (!volume) throw outside(vm, disk);
  const look = await lookAtVolume(client, volume, o);
  // Pools guess formats from content, which the guest has written: a header in a raw disk must not make the server open what it names.
  if (look.format !== format && !(format === 'raw' && PLAIN.includes(look.format)))
    throw cannot(vm, disk.id, `the VM takes it for ${format}, and the storage pool ${volume.pool} for ${look.format}`);
  const { path } = await client.call(procedures.volumeGetPath, { volume }, o);
  return { disk, volume, path, format, look };
}

async function locate(client: Caller, element: XmlElement, o: Cancel): Promise<StorageVolume | undefined> {
  const source = childNamed(element, 'source')?.attributes;
  const [poolName, name] = [source?.get('pool'), source?.get('volume')];
  if (poolName === undefined || name === undefined) {
    const path = source?.get('file') ?? source?.get('dev');
    return path === undefined ? undefined : await findVolumeAt(client, path, o);
  }
  const pool = await lookUpPool(client, poolName, o);
  return pool && (await unlessAbsent(client.call(procedures.volumeLookupByName, { pool, name }, o)))?.volume;
}

export async function lookAtVolume(client: Caller, volume: StorageVolume, o: Cancel): Promise<VolumeLook> {
  const root = parseXml((await client.call(procedures.volumeGetXml, { volume, flags: 0 }, o)).xml);
  const { capacity, allocation } = await client.call(procedures.volumeGetInfo, { volume }, o);
  const writtenAt = childNamed(root, 'target', 'timestamps', 'mtime')?.text;
  return {
    format: childNamed(root, 'target', 'format')?.attributes.get('type') ?? 'raw',
    capacity: Number(capacity),
    allocation: Number(allocation),
    hasBacking: childNamed(root, 'backingStore') !== undefined,
    ...(writtenAt === undefined ? {} : { writtenAt }),
  };
}

const cannot = (vm: VMInfo, target: string, why: string): HyperError =>
  new HyperError('libvirt/unsupported', `The disk ${target} of the VM ${vm.name} cannot be cloned: ${why}.`, { detail: { vm: vm.id, disk: target } });

function outside(vm: VMInfo, { id, location }: DiskInfo): HyperError {
  const mend = location.startsWith('/') ? `: make one of its folder (virsh pool-create-as NAME dir --target ${dirname(location)})` : '';
  return new HyperError(
    'storage-pool/unfit',
    `The disk ${id} of the VM ${vm.name} lies at ${location}, in no storage pool that runs, and libvirt copies only what lies in one${mend}.`,
    { detail: { vm: vm.id, disk: id } },
  );
}
