import type { OvfItem } from './ovf-item.ts';

const [IDE, SCSI, OTHER_STORAGE, DISK] = [5, 6, 20, 17];

/** The controllers that VMware and VirtualBox both make of an item, and how many units each has. */
const CONTROLLERS = {
  ide: { title: 'IDE Controller', type: IDE, subtype: 'PIIX4', units: 2 },
  scsi: { title: 'SCSI Controller', type: SCSI, subtype: 'lsilogic', units: 16 },
  sata: { title: 'SATA Controller', type: OTHER_STORAGE, subtype: 'vmware.sata.ahci', units: 30 },
  nvme: { title: 'NVMe Controller', type: OTHER_STORAGE, subtype: 'vmware.nvme.controller', units: 15 },
} as const;
type Bus = keyof typeof CONTROLLERS;

/** Where a disk sits. */
export interface DiskSeat {
  readonly bus: Bus;
  readonly controller: number;
  readonly unit: number;
}

const SEAT = /^(ide|scsi|sata|nvme)(\d):(\d{1,2})$/;
/** "SCSI ID 7" is the controller's own. */
const SCSI_OWN_UNIT = 7;

/**
 * The seats that the disks had, when all of them had one that can be given again. Otherwise they get SATA ports in their order:
 * every guest of today has a driver for AHCI, which cannot be said of the controllers of any one platform.
 */
export function seatDisks(ids: readonly string[]): readonly DiskSeat[] {
  const seats = ids.map(toSeat);
  const known = seats.filter((seat) => seat !== undefined);
  const isEachAlone = new Set(known.map(({ bus, controller, unit }) => `${bus}${controller}:${unit}`)).size === ids.length;
  if (isEachAlone) return known;
  const { units } = CONTROLLERS.sata;
  return ids.map((_, index) => ({ bus: 'sata', controller: Math.floor(index / units), unit: index % units }));
}

function toSeat(id: string): DiskSeat | undefined {
  const [, name, controller, unit] = SEAT.exec(id) ?? [];
  const bus = (Object.keys(CONTROLLERS) as readonly Bus[]).find((candidate) => candidate === name);
  if (bus === undefined) return undefined;
  const seat = { bus, controller: Number(controller), unit: Number(unit) };
  const isTaken = bus === 'scsi' && seat.unit === SCSI_OWN_UNIT;
  return isTaken || seat.unit >= CONTROLLERS[bus].units ? undefined : seat;
}

/** Controllers, then disks; instance ids from `first` on. */
export function storageItems(seats: readonly DiskSeat[], first: number): readonly OvfItem[] {
  const controllers = new Map<string, OvfItem>();
  for (const { bus, controller } of seats.toSorted((a, b) => a.controller - b.controller)) {
    const key = `${bus}${controller}`;
    const { title, type, subtype } = CONTROLLERS[bus];
    if (controllers.has(key)) continue;
    controllers.set(key, {
      Address: controller,
      ElementName: `${title} ${controller}`,
      InstanceID: first + controllers.size,
      ResourceSubType: subtype,
      ResourceType: type,
    });
  }
  const disks = seats.map(({ bus, controller, unit }, index): OvfItem => ({
    AddressOnParent: unit,
    ElementName: `Hard Disk ${index + 1}`,
    HostResource: `ovf:/disk/${diskId(index)}`,
    InstanceID: first + controllers.size + index,
    Parent: controllers.get(`${bus}${controller}`)?.InstanceID,
    ResourceType: DISK,
  }));
  return [...controllers.values(), ...disks];
}

export const diskId = (index: number): string => `vmdisk${index + 1}`;
