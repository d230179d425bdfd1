import {
  HyperError,
  imageFormats,
  toConnectionId,
  toDiskId,
  toVMId,
  type ConnectionId,
  type DiskInfo,
  type ImageFormat,
  type PowerState,
  type VMInfo,
} from '@hypersdk/domain';

/** A disk with the image file that holds its content. */
export interface MemoryDisk extends DiskInfo {
  readonly format: ImageFormat;
}

export interface MemoryVM extends VMInfo {
  readonly disks: readonly MemoryDisk[];
}

/** The VMs of a platform that exists only while the process runs; the content of their disks lies in image files. */
export interface MemoryConfig {
  readonly vms: readonly MemoryVM[];
  /** Ids of VMs whose guests shut down for nobody. */
  readonly deaf: readonly string[];
  /** Ids of VMs that have neither screen nor serial line nor graphical console, and of those whose graphical console asks for no password. */
  readonly bare: readonly string[];
  readonly unguarded: readonly string[];
  /** Where restored and cloned disks are put; without it nothing is. */
  readonly folder?: string;
  readonly connection: ConnectionId;
}

const POWER_STATES: readonly PowerState[] = ['running', 'stopped', 'suspended', 'unknown'];

/** Enough for tests of inventories with thousands of VMs. */
const VMS_MAX = 100_000;
const DISKS_MAX = 256;

type Fields = Readonly<Record<string, unknown>>;

export function parseMemoryConfig(config: unknown): MemoryConfig {
  const known = ['connection', 'vms', 'deaf', 'bare', 'unguarded', 'folder'];
  const { connection, vms, deaf = [], bare = [], unguarded = [], folder } = fieldsOf(config, 'the configuration', known);
  const name = text(connection, 'connection');
  const parsed = listOf(vms, 'vms', VMS_MAX).map((vm) => parseVM(vm, name));
  refuseTwins(parsed, 'VM');
  return {
    vms: parsed,
    deaf: idsOf(deaf, 'deaf'),
    bare: idsOf(bare, 'bare'),
    unguarded: idsOf(unguarded, 'unguarded'),
    connection: toConnectionId(name),
    ...(folder === undefined ? {} : { folder: text(folder, 'folder') }),
  };
}

const idsOf = (given: unknown, what: string): readonly string[] => listOf(given, what, VMS_MAX).map((id) => text(id, 'an id'));

function parseVM(given: unknown, connection: string): MemoryVM {
  const { id, name, powerState = 'unknown', cpus, memory, disks } = fieldsOf(given, 'a VM', ['id', 'name', 'powerState', 'cpus', 'memory', 'disks']);
  const state = POWER_STATES.find((known) => known === powerState);
  if (!state) throw invalid(`powerState has to be one of ${POWER_STATES.join(', ')}`);
  const parsed = listOf(disks, 'disks', DISKS_MAX).map(parseDisk);
  refuseTwins(parsed, 'disk');
  return {
    id: toVMId(text(id, 'id')),
    name: text(name, 'name'),
    provider: 'memory',
    connection: toConnectionId(connection),
    powerState: state,
    ...(cpus === undefined ? {} : { cpus: size(cpus, 'cpus') }),
    ...(memory === undefined ? {} : { memory: size(memory, 'memory') }),
    firmware: 'unknown',
    disks: parsed,
    nics: [],
    tags: {},
  };
}

function parseDisk(given: unknown): MemoryDisk {
  const { id, label, virtualSize, format, location } = fieldsOf(given, 'a disk', ['id', 'label', 'virtualSize', 'format', 'location']);
  const known = imageFormats.find((candidate) => candidate === format);
  if (!known) throw invalid(`the format of a disk has to be one of ${imageFormats.join(', ')}`);
  return {
    id: toDiskId(text(id, 'id')),
    label: text(label, 'label'),
    virtualSize: size(virtualSize, 'virtualSize'),
    format: known,
    location: text(location, 'location'),
  };
}

function fieldsOf(given: unknown, what: string, known: readonly string[]): Fields {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) throw invalid(`${what} has to be an object`);
  const unknown = Object.keys(given).find((name) => !known.includes(name));
  if (unknown !== undefined) throw invalid(`${what} has no field ${JSON.stringify(unknown)}`);
  return { ...given };
}

function listOf(given: unknown, what: string, limit: number): readonly unknown[] {
  if (!Array.isArray(given) || given.length > limit) throw invalid(`${what} has to be a list of at most ${limit}`);
  return given;
}

function text(given: unknown, what: string): string {
  if (typeof given !== 'string' || given === '' || given.includes('\0')) throw invalid(`${what} has to be text`);
  return given;
}

function size(given: unknown, what: string): number {
  if (typeof given !== 'number' || !Number.isSafeInteger(given) || given < 0) throw invalid(`${what} has to be a whole number`);
  return given;
}

function refuseTwins(given: readonly { readonly id: string }[], what: string): void {
  const seen = new Set<string>();
  for (const { id } of given) {
    if (seen.has(id)) throw invalid(`the ${what} ${id} is there twice`);
    seen.add(id);
  }
}

const invalid = (why: string): HyperError => new HyperError('usage/invalid', `This is not a configuration of the memory provider: ${why}.`);
