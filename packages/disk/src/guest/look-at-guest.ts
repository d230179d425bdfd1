import { endOf, HyperError, type GuestFinding, type GuestLook, type GuestOs, type GuestVolume, type PartitionEntry } from '@hypersdk/domain';
import type { Cancel } from '@hypersdk/ports';
import { DiskView, type LookLimits, type ReadableDisk } from './disk-view.ts';
import { logicalSpan } from './lvm/logical-span.ts';
import type { LogicalVolume, VolumeGroup } from './lvm/volume-group.ts';
import type { Partition, PartitionTable } from './partition/partition-table.ts';
import { readPartitions, type DiskLayout } from './partition/read-partitions.ts';
import { partOf, type Span } from './span.ts';
import { hasBiosLoader } from './system/bios-loader.ts';
import { findEfiLoaders } from './system/efi-loaders.ts';
import { findLinux } from './system/os-release.ts';
import { findWindows, isHibernated } from './system/windows.ts';
import { isPhysicalVolume } from './volume/lvm.ts';
import { recognise } from './volume/recognise.ts';
import { describe, type Recognised } from './volume/recognised.ts';

/** The longest that a look takes, unless its caller says otherwise. It needs a hundredth of this; the rest is for slow media and busy machines. */
const TIME_MS = 1000;
/** Logical volumes of a group that are looked into. */
const LOGICAL_MAX = 64;
/** Enough to see what is wrong; a hostile disk could make thousands. */
const FINDINGS_MAX = 100;
const WHOLE_DISK = 'disk';

/**
 * Says what lies on a disk: partitions, file systems, installed systems, boot loaders. Mounts nothing and believes nothing: what is broken becomes a finding.
 * Takes 4 MiB of memory at most, and lets others run between volumes.
 */
export async function lookAtGuest(disk: ReadableDisk, o: Cancel & Partial<LookLimits>): Promise<GuestLook> {
  const look = new Look(new DiskView(disk, { ...o, timeMs: o.timeMs ?? TIME_MS }));
  const steps = look.steps();
  while (!steps.next().done) {
    await new Promise<void>((resolve) => setImmediate(resolve));
    o.signal.throwIfAborted();
  }
  return look.result();
}

/** A volume on the way through a look. */
interface Found {
  readonly place: string;
  readonly span: Span;
  readonly recognised: Recognised;
}

class Look {
  readonly #disk: DiskView;
  readonly #volumes: GuestVolume[] = [];
  readonly #found: Found[] = [];
  readonly #systems: GuestOs[] = [];
  readonly #loaders: string[] = [];
  readonly #findings: GuestFinding[] = [];
  #layout: DiskLayout = { boot: undefined, table: undefined };

  constructor(disk: DiskView) {
    this.#disk = disk;
  }

  /** One volume between two steps. */
  *steps(): Generator<void> {
    this.#layout = this.#attempt(WHOLE_DISK, () => readPartitions(this.#disk)) ?? this.#layout;
    const { table } = this.#layout;
    for (const problem of table?.problems ?? []) this.#note('warning', WHOLE_DISK, problem);
    if (table) {
      this.#checkOverlaps(table);
      for (const partition of table.partitions) {
        this.#addPartition(partition);
        yield;
      }
    } else {
      this.#addVolume({ place: WHOLE_DISK, offset: 0, size: this.#disk.size }, this.#disk);
    }
    yield;
    yield* this.#addLogicalVolumes();
    for (const found of this.#found) {
      this.#findSystem(found);
      yield;
    }
  }

  result(): GuestLook {
    const { boot, table } = this.#layout;
    return {
      table: table?.kind ?? 'none',
      sectorSize: table?.sectorSize ?? 512,
      ...(table?.id === undefined ? {} : { tableId: table.id }),
      volumes: this.#volumes,
      systems: this.#systems,
      firmwares: [...(boot && hasBiosLoader(boot, table) ? (['bios'] as const) : []), ...(this.#loaders.length > 0 ? (['uefi'] as const) : [])],
      loaders: this.#loaders,
      findings: this.#findings,
      complete: !this.#disk.exhausted,
    };
  }

  #addPartition(partition: Partition): void {
    const { entry, offset, length } = partition;
    const place = `partition ${entry.number}`;
    const end = Math.min(endOf(partition), this.#disk.size);
    if (!(Number.isSafeInteger(offset) && length > 0 && offset < end)) {
      this.#note('warning', place, 'It lies outside the disk.');
      this.#volumes.push({ place, partition: entry, size: 0, content: UNKNOWN.content });
      return;
    }
    // Of a size that no disk has, what there is of it is told.
    const isPossible = Number.isSafeInteger(endOf(partition));
    if (!isPossible) this.#note('warning', place, 'It is said to end where no disk reaches.');
    else if (end < endOf(partition)) this.#note('warning', place, `It ends at byte ${endOf(partition)}, behind the end of the disk.`);
    const part = { offset, length: end - offset };
    this.#addVolume({ place, partition: entry, offset, size: isPossible ? length : part.length }, partOf(this.#disk, part));
  }

  #addVolume(
    about: { readonly place: string; readonly partition?: PartitionEntry; readonly offset?: number; readonly size: number },
    span: Span,
  ): void {
    const recognised = this.#attempt(about.place, () => recognise(span)) ?? UNKNOWN;
    for (const problem of recognised.problems) this.#note('warning', about.place, problem);
    this.#volumes.push({ ...about, content: recognised.content });
    this.#found.push({ place: about.place, span, recognised });
  }

  *#addLogicalVolumes(): Generator<void> {
    const disks = new Map<string, Span>();
    const groups = new Map<string, VolumeGroup>();
    for (const { span, recognised } of this.#found) {
      if (!isPhysicalVolume(recognised)) continue;
      disks.set(recognised.id, span);
      if (recognised.group) groups.set(recognised.group.id, recognised.group);
    }
    for (const group of groups.values()) {
      const visible = group.volumes.filter(({ isVisible }) => isVisible);
      if (visible.length > LOGICAL_MAX) this.#note('note', group.name, `Of its ${visible.length} logical volumes, ${LOGICAL_MAX} were looked at.`);
      for (const volume of visible.slice(0, LOGICAL_MAX)) {
        this.#addLogical(group, volume, disks);
        yield;
      }
    }
  }

  #addLogical(group: VolumeGroup, volume: LogicalVolume, disks: ReadonlyMap<string, Span>): void {
    const place = `${group.name}/${volume.name}`;
    const size = volume.extentCount * group.extentSize;
    const span = this.#attempt(place, () => logicalSpan(group, volume, disks));
    if (span) {
      this.#addVolume({ place, size }, span);
      return;
    }
    const kinds = [...new Set(volume.segments.map(({ type }) => type))].join(', ');
    this.#volumes.push({ place, size, content: { kind: 'unknown', details: { segments: kinds } } });
    this.#note('note', place, `It does not lie on this disk in a plain form (${kinds}), so it was not looked into.`);
  }

  #findSystem({ place, recognised }: Found): void {
    const { openFiles, content } = recognised;
    if (!openFiles) return;
    if (content.kind.startsWith('fat')) {
      this.#loaders.push(...(this.#attempt(place, () => findEfiLoaders(openFiles())) ?? []));
      return;
    }
    const system = this.#attempt(place, () => (content.kind === 'ntfs' ? findWindows(openFiles()) : findLinux(openFiles())));
    if (system) this.#systems.push({ ...system, volume: place });
    if (content.kind === 'ntfs' && this.#attempt(place, () => isHibernated(openFiles()))) {
      this.#note(
        'warning',
        place,
        'Windows lies hibernated here, or was shut down with fast startup: its file systems are not in order until it starts again.',
      );
    }
  }

  #checkOverlaps(table: PartitionTable): void {
    const inOrder = table.partitions.toSorted((a, b) => a.offset - b.offset);
    inOrder.forEach((partition, index) => {
      const before = inOrder[index - 1];
      if (!before || endOf(before) <= partition.offset) return;
      this.#note('warning', `partition ${partition.entry.number}`, `It overlaps partition ${before.entry.number}.`);
    });
  }

  /** Runs what may meet a broken structure or bytes that cannot be read; that is a finding, unless the look has ended. */
  #attempt<T>(place: string, act: () => T): T | undefined {
    if (this.#disk.exhausted) return undefined;
    try {
      return act();
    } catch (error) {
      if (!(error instanceof HyperError)) throw error;
      if (!this.#disk.exhausted) this.#note(error.code === 'image/unsupported' ? 'note' : 'warning', place, error.message);
      return undefined;
    }
  }

  #note(severity: GuestFinding['severity'], place: string, summary: string): void {
    if (this.#findings.length < FINDINGS_MAX) this.#findings.push({ severity, place, summary });
  }
}

const UNKNOWN: Recognised = describe({ kind: 'unknown', details: {} });
