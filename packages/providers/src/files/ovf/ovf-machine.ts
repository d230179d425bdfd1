// DSP0243 2.1.1 (OVF 2) and 1.1.0 (OVF 1): the envelope and the one VM in it, with what VMware and VirtualBox add.
import type { Firmware } from '@hypersdk/domain';
import { localName, parseXml, type XmlElement } from '@hypersdk/wire';
import type { DescribedVM } from '../described-vm.ts';
import { present, tidyText } from '../../said-fields.ts';
import { readOvfDisks } from './ovf-disks.ts';
import { readOvfHardware } from './ovf-hardware.ts';
import { refuseOvf } from './ovf-refusal.ts';
import { attribute, child, childrenOf, textOf } from './ovf-xml.ts';

/** Collections inside collections; vSphere makes none deeper than a few. */
const COLLECTIONS_MAX = 256;

/** Reads the VM of an OVF descriptor. Fails with `document/malformed` when it is no XML, and with a code of its own for everything else. */
export function parseOvfMachine(text: string): DescribedVM {
  const envelope = parseXml(text);
  if (localName(envelope) !== 'Envelope') throw refuseOvf('ovf/not-an-envelope', 'it is about something else');
  const disks = readOvfDisks(envelope);
  const system = onlySystem(envelope);
  const [section] = childrenOf(system, 'VirtualHardwareSection');
  if (!section) throw refuseOvf('ovf/no-vm', 'it does not say what its VM is made of');
  const name = tidyText(textOf(system, 'Name') ?? attribute(system, 'id'));
  if (name === undefined) throw refuseOvf('ovf/no-vm', 'its VM has no name');

  const machine = child(system, 'Machine');
  const firmware = firmwareOf(section, machine);
  return {
    name,
    ...present({ uuid: uuidOf(machine), os: osOf(system), secureBoot: firmware === 'uefi' ? secureBootOf(section) : undefined }),
    firmware,
    ...readOvfHardware(section, { disks, configuration: configurationOf(envelope) }),
  };
}

function onlySystem(envelope: XmlElement): XmlElement {
  const systems: XmlElement[] = [];
  const open = [envelope];
  for (let steps = 0, next = open.pop(); next; steps += 1, next = open.pop()) {
    if (steps > COLLECTIONS_MAX) throw refuseOvf('ovf/too-many', `it has more than ${COLLECTIONS_MAX} collections of VMs`);
    systems.push(...childrenOf(next, 'VirtualSystem'));
    open.push(...childrenOf(next, 'VirtualSystemCollection'));
  }
  const [system] = systems;
  if (!system) throw refuseOvf('ovf/no-vm', 'it has no VM');
  if (systems.length > 1) throw refuseOvf('ovf/several-vms', `it has ${systems.length} VMs`);
  return system;
}

/** "DeploymentOptionSection": the one that is marked as the default, else the first. */
function configurationOf(envelope: XmlElement): string | undefined {
  const options = childrenOf(child(envelope, 'DeploymentOptionSection'), 'Configuration');
  return attribute(options.find((option) => attribute(option, 'default') === 'true') ?? options[0], 'id');
}

/** VMware says it in a `vmw:Config`, VirtualBox in its own section; both mean a BIOS when they say nothing. */
function firmwareOf(section: XmlElement, machine: XmlElement | undefined): Firmware {
  const named = configOf(section, 'firmware') ?? attribute(child(child(machine, 'Hardware'), 'Firmware') ?? biosFirmware(machine), 'type');
  if (named !== undefined) return /^efi/i.test(named) ? 'uefi' : 'bios';
  const type = textOf(child(section, 'System'), 'VirtualSystemType') ?? '';
  return machine !== undefined || /vmx-|virtualbox/i.test(type) ? 'bios' : 'unknown';
}

/** Up to settings version 1.15 it stood one level deeper. */
const biosFirmware = (machine: XmlElement | undefined): XmlElement | undefined => child(child(child(machine, 'Hardware'), 'BIOS'), 'Firmware');

const secureBootOf = (section: XmlElement): boolean | undefined => {
  const value = configOf(section, 'bootOptions.efiSecureBootEnabled');
  return value === undefined ? undefined : value === 'true';
};

const configOf = (section: XmlElement, key: string): string | undefined =>
  attribute(
    childrenOf(section, 'Config').find((config) => attribute(config, 'key') === key),
    'value',
  );

/** The vendors' names say more than the standard's number. */
function osOf(system: XmlElement): string | undefined {
  const section = child(system, 'OperatingSystemSection');
  return tidyText(attribute(section, 'osType') ?? textOf(section, 'OSType') ?? textOf(section, 'Description'));
}

/** `{4dea22b3-…}`, in VirtualBox's own section. */
function uuidOf(machine: XmlElement | undefined): string | undefined {
  const uuid = /^\{?([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\}?$/i.exec(attribute(machine, 'uuid') ?? '')?.[1];
  return uuid?.toLowerCase();
}
