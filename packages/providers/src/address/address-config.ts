import { HyperError } from '@hypersdk/domain';

/** Disks by the addresses that they are read at, put together to VMs, and how their servers are read. */
export interface AddressConfig {
  readonly vms: readonly AddressedVM[];
  /** `nbd`: servers on other machines are read without TLS, too. */
  readonly allowsPlaintext: boolean;
  /** `nbd`: one connection to a server, even if it takes more. */
  readonly isSingle: boolean;
  /** `nbd`: names the content that the exports have now. */
  readonly pointInTime: string;
  /** `nbd`: a dirty bitmap of the exports, called as the point in time since which it counts. */
  readonly bitmap?: string;
  /** `http`: PEM of the authority behind the servers' certificates. */
  readonly authorityFile?: string;
  /** `http`: lines of `Name: value` that go with every request. */
  readonly headerFile?: string;
}

export interface AddressedVM {
  /** Absent: that of its first disk. */
  readonly name?: string;
  readonly disks: readonly string[];
}

const FIELDS: readonly string[] = ['vms', 'allowsPlaintext', 'isSingle', 'pointInTime', 'bitmap', 'authorityFile', 'headerFile'];
/** Nobody types more. */
const VM_COUNT_MAX = 1000;
const DISK_COUNT_MAX = 256;
/** Longer than any address or path that a server or Linux takes. */
const TEXT_MAX = 8192;

export function parseAddressConfig(config: unknown): AddressConfig {
  const fields = toObject(config);
  const unknown = Object.keys(fields).find((name) => !FIELDS.includes(name));
  if (unknown !== undefined) throw invalid(`there is no field ${JSON.stringify(unknown.slice(0, 80))}; known are ${FIELDS.join(', ')}`);
  const { vms, allowsPlaintext = false, isSingle = false, pointInTime, bitmap, authorityFile, headerFile } = fields;
  if (!Array.isArray(vms) || vms.length === 0 || vms.length > VM_COUNT_MAX) throw invalid(`vms has to be a list of 1 to ${VM_COUNT_MAX}`);
  if (typeof allowsPlaintext !== 'boolean' || typeof isSingle !== 'boolean') throw invalid('allowsPlaintext and isSingle have to be true or false');
  return {
    vms: vms.map(toVM),
    allowsPlaintext,
    isSingle,
    pointInTime: toText(pointInTime, 'pointInTime'),
    ...(bitmap === undefined ? {} : { bitmap: toText(bitmap, 'bitmap') }),
    ...(authorityFile === undefined ? {} : { authorityFile: toText(authorityFile, 'authorityFile') }),
    ...(headerFile === undefined ? {} : { headerFile: toText(headerFile, 'headerFile') }),
  };
}

function toVM(value: unknown): AddressedVM {
  const { name, disks, ...others } = toObject(value);
  if (Object.keys(others).length > 0) throw invalid('a VM has a name and disks, and nothing else');
  if (!Array.isArray(disks) || disks.length === 0 || disks.length > DISK_COUNT_MAX) throw invalid(`a VM has 1 to ${DISK_COUNT_MAX} disks`);
  return { ...(name === undefined ? {} : { name: toText(name, 'name') }), disks: disks.map((disk) => toText(disk, 'a disk')) };
}

function toObject(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid('it has to be an object');
  return { ...value };
}

function toText(value: unknown, what: string): string {
  if (typeof value !== 'string' || value === '' || value.length > TEXT_MAX || value.includes('\0')) throw invalid(`${what} has to be a text`);
  return value;
}

const invalid = (why: string): HyperError => new HyperError('usage/invalid', `This is not a configuration of disks at addresses: ${why}.`);
