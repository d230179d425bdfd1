import type { VMId, VMInfo } from '@hypersdk/domain';
import type { GraphicsTicket, ProviderSession, RestoreRequest } from '@hypersdk/ports';
import { changedBlocksChecks } from './changed-blocks-checks.ts';
import { type Check, registerChecks } from './check.ts';
import { cloneChecks } from './clone-checks.ts';
import { consoleChecks } from './console-checks.ts';
import { diskExportChecks } from './disk-export-checks.ts';
import { eventsChecks } from './events-checks.ts';
import { inventoryChecks } from './inventory-checks.ts';
import { networksChecks } from './networks-checks.ts';
import { isoImagesChecks } from './iso-images-checks.ts';
import { volumesChecks } from './volumes-checks.ts';
import { metricsChecks } from './metrics-checks.ts';
import { powerChecks } from './power-checks.ts';
import { restoreChecks } from './restore-checks.ts';
import { sessionChecks } from './session-checks.ts';
import { snapshotChecks } from './snapshot-checks.ts';

/** A platform with at least two VMs, of which at least one has at least two disks. */
export interface ProviderSubject extends AsyncDisposable {
  /** A new session on the same platform. */
  open(): Promise<ProviderSession>;
  /** An id that looks right and belongs to no VM. */
  readonly absent: VMId;
  /** Writes to the first disk of the VM behind the provider's back, as a guest would. */
  writeToDisk(vm: VMInfo): Promise<void>;
  /** For providers with snapshots: something that is equal when the content of the first disk is. */
  contentOf?(vm: VMInfo): Promise<string>;
  /** For providers with storage pools: one that runs, in which nothing is. */
  readonly pool?: string;
  /** For providers that start VMs: two that are stopped. */
  readonly power?: PowerSubject;
  readonly restore?: RestoreSubject;
  readonly clone?: CloneSubject;
  consoles?(): Promise<ConsoleSubject>;
}

/** For providers that show VMs: three that are stopped. */
export interface ConsoleSubject {
  /**
   * Its guest answers each byte on its first serial line with the one after it (a: b), and shows it on its screen. Of graphical consoles it has VNC, with a
   * password.
   */
  readonly talking: VMId;
  /** Has neither screen nor serial line nor graphics. */
  readonly bare: VMId;
  /** Its graphical console was started without a password. */
  readonly unguarded: VMId;
  /** How long what has to happen may take, in milliseconds. */
  readonly patienceMs: number;
  /** Whether somebody who knows this password, or none, gets in where the ticket leads. */
  knock(ticket: GraphicsTicket, password: string | undefined): Promise<boolean>;
}

/** For providers that restore VMs. */
export interface RestoreSubject {
  /** A VM that is not on the platform, and its disks where they can be read. */
  exported(): Promise<Omit<RestoreRequest, 'identity' | 'start'>>;
  /** The roots of its disks as they lie there, computed by other means. */
  rootsOf(vm: VMInfo): Promise<readonly string[]>;
}

/** For providers that clone VMs. */
export interface CloneSubject {
  /** A VM that is off and has content. */
  readonly source: VMId;
  /** The roots of a VM's disks as they lie there, computed by other means. */
  rootsOf(vm: VMInfo): Promise<readonly string[]>;
}

export interface PowerSubject {
  /** Its guest shuts down when it is asked to. */
  readonly obedient: VMId;
  /** Its guest never does. */
  readonly deaf: VMId;
  /** Settles when the guest of a VM that was just started can hear. */
  isListening?(id: VMId): Promise<void>;
}

export type ArrangeProvider = () => Promise<ProviderSubject>;

/**
 * What every provider promises. `arrange` makes a fresh platform for each check; a facet that the session has is checked,
 * one that it has not is no promise, so the facets that must be there are named.
 */
export function providerContract(arrange: ArrangeProvider, facets: ProviderFacets): void {
  registerChecks('provider', checksOfProvider(arrange, facets));
}

export type ProviderFacets = readonly (keyof ProviderSession['facets'])[];

export const checksOfProvider = (arrange: ArrangeProvider, facets: ProviderFacets): readonly Check[] => [
  ...sessionChecks(arrange, facets),
  ...inventoryChecks(arrange),
  ...(facets.includes('diskExport') ? diskExportChecks(arrange) : []),
  ...(facets.includes('changedBlocks') ? changedBlocksChecks(arrange) : []),
  ...(facets.includes('power') ? powerChecks(arrange) : []),
  ...(facets.includes('events') ? eventsChecks(arrange) : []),
  ...(facets.includes('networks') ? networksChecks(arrange) : []),
  ...(facets.includes('storagePools') && facets.includes('volumes') ? volumesChecks(arrange) : []),
  ...(facets.includes('isoImages') ? isoImagesChecks(arrange) : []),
  ...(facets.includes('snapshots') ? snapshotChecks(arrange) : []),
  ...(facets.includes('restore') ? restoreChecks(arrange) : []),
  ...(facets.includes('clone') ? cloneChecks(arrange) : []),
  ...(facets.includes('console') ? consoleChecks(arrange) : []),
  ...(facets.includes('metrics') ? metricsChecks(arrange) : []),
];
