import { MIB, type Firmware, type NicInfo } from '@hypersdk/domain';
import type { DescribedDisk, DescribedVM } from './described-vm.ts';
import { countWithin, DISKS_MAX, macOf, memoryOf, NICS_MAX, present, tidyText } from '../said-fields.ts';
import { parseVmx } from './vmx.ts';

type Settings = ReadonlyMap<string, string>;

const DISK_FILE = /^((?:scsi|sata|ide|nvme)\d{1,2}:\d{1,3})\.filename$/;
const NIC = /^(ethernet\d{1,3})\./;
const CPUS_MAX = 65_536;

/** Reads the configuration file of a VM; undefined when it does not describe one. Fails with `document/malformed`. */
export function parseVmxMachine(bytes: Uint8Array): DescribedVM | undefined {
  const settings = parseVmx(bytes);
  const name = tidyText(settings.get('displayname'));
  if (name === undefined) return undefined;

  const mebibytes = countWithin(settings.get('memsize'), Number.MAX_SAFE_INTEGER / MIB);
  const firmware = firmwareOf(settings);
  return {
    name,
    ...present({
      uuid: uuidOf(settings.get('uuid.bios')),
      // A VM that does not say has one processor.
      cpus: countWithin(settings.get('numvcpus') ?? '1', CPUS_MAX),
      memory: mebibytes === undefined ? undefined : memoryOf(mebibytes * MIB),
      os: tidyText(settings.get('guestos')),
      secureBoot: firmware === 'uefi' ? isTrue(settings.get('uefi.secureboot.enabled')) : undefined,
    }),
    firmware,
    ...disksOf(settings),
    nics: nicsOf(settings),
  };
}

const isTrue = (value: string | undefined): boolean => value?.toUpperCase() === 'TRUE';
const isFalse = (value: string | undefined): boolean => value?.toUpperCase() === 'FALSE';

/** Without a word about it, a VM starts with a BIOS. */
function firmwareOf(settings: Settings): Firmware {
  const firmware = settings.get('firmware')?.toLowerCase() ?? 'bios';
  if (firmware === 'efi') return 'uefi';
  return firmware === 'bios' ? 'bios' : 'unknown';
}

/** `56 4d 1c 2a 9b 0e 77 31-8a 55 …`: sixteen bytes in hexadecimal. */
function uuidOf(text: string | undefined): string | undefined {
  const digits = text?.toLowerCase().replaceAll(/[\s-]/g, '');
  if (digits === undefined || !/^[0-9a-f]{32}$/.test(digits)) return undefined;
  return [digits.slice(0, 8), digits.slice(8, 12), digits.slice(12, 16), digits.slice(16, 20), digits.slice(20)].join('-');
}

function disksOf(settings: Settings): Pick<DescribedVM, 'disks' | 'elsewhere'> {
  const disks: DescribedDisk[] = [];
  const elsewhere: string[] = [];
  const bootOrder = bootOrderOf(settings);
  for (const [key, file] of settings) {
    const id = DISK_FILE.exec(key)?.[1];
    if (id === undefined || !isHardDisk(settings, id)) continue;
    if (disks.length === DISKS_MAX || !/\.vmdk$/i.test(file)) {
      elsewhere.push(`${id} is no disk image`);
      continue;
    }
    const place = bootOrder.indexOf(id);
    disks.push({ id, file, format: 'vmdk', ...present({ bootOrder: place < 0 ? undefined : place + 1 }) });
  }
  return { disks: disks.toSorted(byBus), elsewhere };
}

/** `bios.hddOrder` lists the disks that are tried at start, separated by commas. */
const bootOrderOf = (settings: Settings): readonly string[] =>
  (settings.get('bios.hddorder') ?? '').split(',', DISKS_MAX).map((id) => id.trim().toLowerCase());

function isHardDisk(settings: Settings, id: string): boolean {
  const type = settings.get(`${id}.devicetype`)?.toLowerCase() ?? 'disk';
  return !isFalse(settings.get(`${id}.present`)) && !type.includes('cdrom');
}

/** By the numbers in the id, so that scsi0:10 comes after scsi0:2. */
const byBus = (a: DescribedDisk, b: DescribedDisk): number => a.id.localeCompare(b.id, 'en', { numeric: true });

function nicsOf(settings: Settings): readonly NicInfo[] {
  const ids = new Set([...settings.keys()].map((key) => NIC.exec(key)?.[1]).filter((id) => id !== undefined));
  const connected = [...ids].filter((id) => isTrue(settings.get(`${id}.present`)));
  return connected
    .toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true }))
    .slice(0, NICS_MAX)
    .map((id) => toNic(settings, id));
}

/** The address is the fixed one, or the one that was generated; the network has a name on a server and a kind on a desktop. */
function toNic(settings: Settings, id: string): NicInfo {
  const network = settings.get(`${id}.networkname`) ?? settings.get(`${id}.vnet`) ?? settings.get(`${id}.connectiontype`);
  return { id, ...present({ mac: macOf(settings.get(`${id}.address`) ?? settings.get(`${id}.generatedaddress`)), network: tidyText(network) }) };
}
