// libvirt, "Hard drives, floppy disks, CDROMs": names are unique, and begin with what their bus calls for.
import type { DiskBus, DiskInfo } from '@hypersdk/domain';

export interface PlannedDisk {
  /** As the guest's platform calls it: vda. */
  readonly target: string;
  readonly bus: Exclude<DiskBus, 'nvme'>;
  /** The place among those that are started from. */
  readonly bootOrder?: number;
}

const PREFIXES = { virtio: 'vd', 'virtio-scsi': 'sd', scsi: 'sd', sata: 'sd', ide: 'hd', usb: 'sd' } as const satisfies Record<
  PlannedDisk['bus'],
  string
>;

/** SATA is what every guest has a driver for; NVMe disks are not emulated by every libvirt. */
const busOf = ({ bus }: DiskInfo): PlannedDisk['bus'] => (bus === undefined || bus === 'nvme' ? 'sata' : bus);

/** Keeps the names of disks where they fit, so that an export of the restored VM calls them the same. */
export function planDisks(disks: readonly DiskInfo[]): readonly PlannedDisk[] {
  const kept = new Set(disks.filter((disk) => fits(disk)).map(({ id }): string => id));
  const orders = orderOf(disks);
  return disks.map((disk, index) => {
    const bus = busOf(disk);
    const order = orders.get(index);
    const target = fits(disk) ? disk.id : nextFree(PREFIXES[bus], kept);
    kept.add(target);
    return { target, bus, ...(order === undefined ? {} : { bootOrder: order }) };
  });
}

const fits = (disk: DiskInfo): boolean => /^[a-z]{3,4}$/.test(disk.id) && disk.id.startsWith(PREFIXES[busOf(disk)]);

function nextFree(prefix: string, taken: ReadonlySet<string>): string {
  for (let index = 0; ; index += 1) {
    const name = `${prefix}${lettersOf(index)}`;
    if (!taken.has(name)) return name;
  }
}

/** a … z, aa, ab …, as sd_format_disk_name of Linux counts. */
const lettersOf = (index: number): string => (index < 26 ? '' : lettersOf(Math.floor(index / 26) - 1)) + String.fromCharCode(97 + (index % 26));

/** In the order that was; where none was told, the first disk is started from. */
function orderOf(disks: readonly DiskInfo[]): ReadonlyMap<number, number> {
  const named = [...disks.entries()].flatMap(([index, { bootOrder }]) => (bootOrder === undefined ? [] : [{ index, bootOrder }]));
  if (named.length === 0) return new Map(disks.length === 0 ? [] : [[0, 1]]);
  return new Map(named.toSorted((a, b) => a.bootOrder - b.bootOrder).map(({ index }, place) => [index, place + 1]));
}
