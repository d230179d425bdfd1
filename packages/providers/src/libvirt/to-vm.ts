// libvirt, "Domain XML format": a domain as its server describes it, with the figures that only the server knows.
import {
  fromQemuName,
  HyperError,
  toConnectionId,
  toDiskId,
  toVMId,
  type DiskInfo,
  type GuestAgent,
  type PowerState,
  type VMInfo,
} from '@hypersdk/domain';
import { childNamed, childrenNamed, type XmlElement } from '@hypersdk/wire';
import { bootPlaceOf, diskBusOf, hardwareOf } from '../domain-element.ts';
import { countWithin, DISKS_MAX, present, tidyText } from '../said-fields.ts';
import { sourceOf } from './disk-source.ts';

/** Bytes, as the server measures them. */
export interface BlockSize {
  readonly capacity: number;
  readonly allocation?: number;
  /** Of the file or device that holds it. */
  readonly physical?: number;
}

/** What the server says of a domain besides its description. */
export interface DomainFigures {
  /** `virDomainState`. */
  readonly state: number;
  readonly hasSavedMemory: boolean;
  /** By the name that the disk has for the guest. */
  readonly sizes: ReadonlyMap<string, BlockSize>;
}

export interface Whereabouts {
  readonly connection: string;
  readonly hostname: string;
}

export interface DescribedDomain {
  readonly vm: VMInfo;
  /** Disks that are not among those of the VM, and why. */
  readonly problems: readonly string[];
}

/** libvirt, `virDomainState`. */
export const DomainState = { none: 0, running: 1, blocked: 2, paused: 3, shutdown: 4, off: 5, crashed: 6, pmSuspended: 7 } as const;

const POWER_STATES: Readonly<Record<number, PowerState>> = {
  [DomainState.running]: 'running',
  [DomainState.blocked]: 'running',
  [DomainState.paused]: 'suspended',
  [DomainState.shutdown]: 'running',
  [DomainState.off]: 'stopped',
  [DomainState.crashed]: 'stopped',
  [DomainState.pmSuspended]: 'suspended',
};

const AGENT_CHANNEL = 'org.qemu.guest_agent.0';
/** Longer chains are cut: nobody can follow them, and every start would take minutes. */
const CHAIN_MAX = 200;

export const powerStateOf = ({ state, hasSavedMemory }: Pick<DomainFigures, 'state' | 'hasSavedMemory'>): PowerState => {
  const power = POWER_STATES[state] ?? 'unknown';
  return power === 'stopped' && hasSavedMemory ? 'suspended' : power;
};

export function toVM(domain: XmlElement, figures: DomainFigures, { connection, hostname }: Whereabouts): DescribedDomain {
  const uuid = childNamed(domain, 'uuid')?.text.trim().toLowerCase();
  const name = tidyText(childNamed(domain, 'name')?.text);
  if (domain.name !== 'domain' || !uuid || !name) throw new HyperError('document/malformed', 'What libvirt sent is not the description of a VM.');
  const problems: string[] = [];
  const devices = childNamed(domain, 'devices');
  return {
    vm: {
      id: toVMId(uuid),
      name,
      provider: 'libvirt',
      connection: toConnectionId(connection),
      powerState: powerStateOf(figures),
      ...hardwareOf(domain),
      ...present({
        tpm: childrenNamed(devices, 'tpm').length > 0 ? true : undefined,
        guestAgent: agentOf(domain),
        hasSavedMemory: figures.hasSavedMemory ? true : undefined,
      }),
      disks: disksOf(domain, figures, (problem) => problems.push(`${name}: ${problem}`)),
      tags: {},
      path: hostname,
    },
    problems,
  };
}

/** "Channel": libvirt writes whether somebody answers only while the domain runs. */
export function agentOf(domain: XmlElement): GuestAgent | undefined {
  const targets = childrenNamed(childNamed(domain, 'devices'), 'channel').flatMap((channel) => childrenNamed(channel, 'target'));
  const state = targets.find((target) => target.attributes.get('name') === AGENT_CHANNEL)?.attributes.get('state');
  if (state === undefined) return undefined;
  return state === 'connected' ? 'connected' : 'silent';
}

/** "Hard drives, floppy disks, CDROMs": those that a copy of the VM has to have. */
function disksOf(domain: XmlElement, figures: DomainFigures, report: (problem: string) => void): readonly DiskInfo[] {
  const disks: DiskInfo[] = [];
  const bootPlace = bootPlaceOf(domain);
  const elements = childrenNamed(childNamed(domain, 'devices'), 'disk').slice(0, DISKS_MAX);
  for (const element of elements) {
    const device = element.attributes.get('device') ?? 'disk';
    if (device !== 'disk' && device !== 'lun') continue;
    const disk = toDisk(element, figures);
    if (typeof disk === 'string') {
      report(disk);
      continue;
    }
    const order = countWithin(childNamed(element, 'boot')?.attributes.get('order'), 10_000) ?? (disks.length === 0 ? bootPlace : undefined);
    disks.push({ ...disk, ...present({ bootOrder: order, bus: diskBusOf(domain, element) }) });
  }
  return disks;
}

/** What the disks that would be copied are called. */
export const diskTargetsOf = (domain: XmlElement): readonly string[] =>
  childrenNamed(childNamed(domain, 'devices'), 'disk')
    .slice(0, DISKS_MAX)
    .filter((disk) => (disk.attributes.get('device') ?? 'disk') === 'disk' && sourceOf(disk) !== undefined)
    .flatMap((disk) => tidyText(childNamed(disk, 'target')?.attributes.get('dev')) ?? []);

/** The disk, or why it is none that can be copied. */
function toDisk(element: XmlElement, { sizes, state }: DomainFigures): DiskInfo | string {
  const target = tidyText(childNamed(element, 'target')?.attributes.get('dev'));
  if (target === undefined) return 'a disk without a name is left out.';
  if (element.attributes.get('device') === 'lun') return `the disk ${target} is passed through from the host and is left out.`;
  const location = sourceOf(element);
  if (location === undefined) return `the disk ${target} has no content that is known and is left out.`;
  const size = sizes.get(target);
  if (!size) return `the size of the disk ${target} (${location}) is not known, and it is left out.`;
  const backing = backingOf(element);
  const format = fromQemuName(childNamed(element, 'driver')?.attributes.get('type'));
  return {
    id: toDiskId(target),
    label: target,
    virtualSize: size.capacity,
    ...present({
      // While QEMU has an image open, what libvirt calls its allocation is the highest place that was written since.
      allocatedSize: format === 'raw' || state === DomainState.off ? size.allocation : size.physical,
      format,
      backing: backing.length > 0 ? backing : undefined,
    }),
    location,
  };
}

/** libvirt writes down the chain of a running domain, each image inside the one above it. */
function backingOf(disk: XmlElement): readonly string[] {
  const chain: string[] = [];
  for (let store = childNamed(disk, 'backingStore'); store && chain.length < CHAIN_MAX; store = childNamed(store, 'backingStore')) {
    const source = sourceOf(store);
    if (source === undefined) break;
    chain.push(source);
  }
  return chain;
}
