import type { Consistency, ContentDigest, DiskId, DiskInfo, ProviderKind, SourceEffect, VMId, VMInfo } from '@hypersdk/domain';
import type { BlockLocator } from './block.ts';
import type { Cancel } from './cancel.ts';
import type { Console } from './console.ts';
import type { Metrics } from './metrics.ts';
import type { Clone } from './clone.ts';
import type { Events } from './events.ts';
import type { IsoImages } from './iso-images.ts';
import type { Networks } from './networks.ts';
import type { Power } from './power.ts';
import type { Restore } from './restore.ts';
import type { Snapshots } from './snapshots.ts';
import type { SourceWork } from './source-work.ts';
import type { StoragePools } from './storage-pools.ts';
import type { Volumes } from './volumes.ts';

/** The VMs of one connection. */
export interface Inventory {
  /** Every VM, in any order, each once. Pulled: a caller that stops early costs nothing more. What cannot be understood is left out and told to `onProblem`. */
  list(o: Cancel & { readonly onProblem?: (problem: string) => void }): AsyncIterable<VMInfo>;
  /** One VM as it is now; `vm/not-found` when there is none. */
  get(id: VMId, o: Cancel): Promise<VMInfo>;
}

/** One disk held still for reading. Disposal lets go of everything that was made at the source for it. */
export interface ExportableDisk {
  readonly disk: DiskInfo;
  readonly locator: BlockLocator;
  /** Identifies the content at this point in time. Equal marks = equal bytes. */
  readonly mark: string;
  /** Where the disk is itself a proven copy: what it is a copy of. Another content is then no copy of it. */
  readonly origin?: { readonly mark: string; readonly content: ContentDigest; readonly location: string };
}

/**
 * What differs on a disk from an earlier point in time. `changed`: the locator reads the disk as it is held now, its holes are what did not change, and data
 * and zeros what may have; `mark` is the locator's own. `unknown`: nobody can say, for a reason that is a sentence.
 */
export type DiskChanges =
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'changed'; readonly locator: BlockLocator; readonly mark: string }
  | { readonly kind: 'unknown'; readonly reason: string };

/** Tells what changed on a disk since a mark that an earlier lease gave. */
export interface ChangedBlocks {
  /** Never guesses: a mark that it cannot follow all the way to the disk that is held is `unknown`. */
  since(disk: ExportableDisk, mark: string, o: Cancel): Promise<DiskChanges>;
}

/** All disks of a VM at one point in time. */
export interface ExportLease extends AsyncDisposable {
  readonly vm: VMInfo;
  readonly consistency: Consistency;
  readonly disks: readonly ExportableDisk[];
  /** Fails with `source/changed` when the content can no longer be what the marks named. Called before a copy is published. */
  check(o: Cancel): Promise<void>;
  /** Aborts with what `check` fails with, as soon as that is noticed: who reads slowly, or waits for a server that is gone, need not find out by it. */
  readonly lost?: AbortSignal;
  /** The export of these disks is durable. Where the platform records changes: this moment stays known there, and those that the lease was asked about do no more. `keptFor`: where the export lies. */
  complete?(o: Cancel & { readonly keptFor?: string }): Promise<void>;
}

export interface LeaseRequest extends Cancel {
  readonly disks?: readonly DiskId[];
  /**
   * Changes are to be told: by this lease since the marks that are given for its disks, and since its own marks by a later one. Platforms that can tell at any
   * time need not be told beforehand; those that record them begin to. `earlier`: marks of all exports beside the one to come, at none of which anything will
   * begin once that one is complete.
   */
  readonly changes?: { readonly since: ReadonlyMap<DiskId, string>; readonly earlier?: readonly string[] };
}

export interface DiskExport {
  /** Holds the named disks (default: all) of a VM still. Opening the same VM again while nothing changed gives equal marks, where its platform can know that. */
  open(id: VMId, o: LeaseRequest): Promise<ExportLease>;
}

/** What runs of ours left at the source. Everything that they make there carries the run in its name. */
export interface Residue {
  /** All that carries our name, whether it is still used or not. */
  find(o: Cancel): AsyncIterable<SourceEffect>;
  /** Takes it away, with what it alone holds. False when it was not there. */
  undo(effect: SourceEffect, o: Cancel): Promise<boolean>;
}

/** What a session can do. A facet that is absent does not exist for this platform; nothing answers "unsupported". */
export interface Facets {
  readonly inventory: Inventory;
  readonly diskExport?: DiskExport;
  readonly power?: Power;
  readonly snapshots?: Snapshots;
  readonly console?: Console;
  readonly metrics?: Metrics;
  readonly changedBlocks?: ChangedBlocks;
  readonly residue?: Residue;
  readonly restore?: Restore;
  readonly clone?: Clone;
  readonly events?: Events;
  readonly networks?: Networks;
  readonly storagePools?: StoragePools;
  readonly volumes?: Volumes;
  readonly isoImages?: IsoImages;
}

export type FacetName = keyof Facets;

/** An open handle on one connection. Disposal is idempotent and ends everything it holds. */
export interface ProviderSession extends AsyncDisposable {
  readonly facets: Facets;
}

export interface SessionRequest extends Cancel {
  /** For whom things are made at the source. Absent: the session only looks, and has no facet that would have to. */
  readonly work?: SourceWork;
}

/** A kind of platform: `parse` turns stored configuration into a typed one or throws `usage/invalid`; `open` connects. */
export interface ProviderModule<C = unknown> {
  readonly kind: ProviderKind;
  parse(config: unknown): C;
  open(config: C, o: SessionRequest): Promise<ProviderSession>;
}

/** Every kind has exactly one module. */
export type Registry = { readonly [K in ProviderKind]: ProviderModule & { readonly kind: K } };
