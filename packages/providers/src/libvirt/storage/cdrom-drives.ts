// libvirt, "Domain XML format", "Hard drives, floppy disks, CDROMs".
import { setTimeout as delay } from 'node:timers/promises';
import { HyperError, type CdromDrive, type VMId, type VolumeInfo } from '@hypersdk/domain';
import type { Cancel } from '@hypersdk/ports';
import { childNamed, childrenNamed, parseXml, writeElement, xml, type XmlElement } from '@hypersdk/wire';
import { tidyText } from '../../said-fields.ts';
import { sourceOf } from '../disk-source.ts';
import { findDomain } from '../find-domain.ts';
import { type Domain, procedures } from '../rpc/procedures.ts';
import type { Caller } from '../rpc/rpc-client.ts';
import { isRefusal, ServerCode } from '../rpc/server-error.ts';
import { DomainState } from '../to-vm.ts';

/** VIR_DOMAIN_XML_INACTIVE. */
const INACTIVE = 2;
/** virDomainModificationImpact. */
const Affect = { live: 1, config: 2 } as const;
/** A guest that looks at its drive is done with that soon. */
const TRAY_TRIES_MAX = 10;
const TRAY_PAUSE_MS = 300;
const OFF: readonly number[] = [DomainState.off, DomainState.crashed];
/** What a description says of a disc that is in, besides what says which drive it is. */
const OF_THE_DISC = new Set(['source', 'driver', 'backingStore', 'mirror', 'alias']);

interface Drives {
  readonly domain: Domain;
  readonly isRunning: boolean;
  /** What of the VM a change is to be made to. */
  readonly flags: number;
  /** As they will be at the next start where that counts, with what lies in them now. */
  readonly drives: readonly { readonly element: XmlElement; readonly drive: CdromDrive }[];
  readonly description: XmlElement;
}

export async function readDrives(client: Caller, id: VMId, o: Cancel): Promise<Drives> {
  const domain = await findDomain(client, id, o);
  const [{ state }, { isPersistent }] = await Promise.all([
    client.call(procedures.domainGetState, { domain, flags: 0 }, o),
    client.call(procedures.domainIsPersistent, { domain }, o),
  ]);
  const isRunning = !OFF.includes(state);
  const lasting = isPersistent === 1 ? await describe(client, domain, { ...o, flags: INACTIVE }) : undefined;
  const now = isRunning || !lasting ? await describe(client, domain, { ...o, flags: 0 }) : lasting;
  const lying = new Map(drivesIn(now).map(({ drive }) => [drive.drive, drive]));
  const known = lasting ? drivesIn(lasting) : drivesIn(now);
  return {
    domain,
    isRunning,
    flags: (isRunning ? Affect.live : 0) + (lasting ? Affect.config : 0),
    // One that the VM only gets at its next start is none that a disc can be put into now.
    drives: known.flatMap(({ element, drive }) => {
      const current = lying.get(drive.drive);
      return current ? [{ element, drive: current }] : [];
    }),
    description: lasting ?? now,
  };
}

export async function putIn(
  client: Caller,
  { domain, flags, drives, isRunning, description }: Drives,
  o: Cancel & { readonly volume: VolumeInfo; readonly drive?: string },
): Promise<CdromDrive> {
  const { volume } = o;
  const chosen = chooseDrive(domain, drives, { ...o, location: volume.path });
  if (!chosen && (isRunning || o.drive !== undefined))
    throw new HyperError('vm/no-drive', `${domain.name} has no CD-ROM drive${isRunning ? ', and runs' : ''}.`, { detail: { vm: domain.uuid } });
  if (chosen?.drive.location === volume.path) return chosen.drive;
  const element = chosen?.element ?? newDrive(description);
  await change(client, domain, { ...o, flags, how: chosen ? 'update' : 'add', description: withDisc(element, volume) });
  return { drive: targetOf(element), location: volume.path };
}

export async function takeOut(client: Caller, { domain, flags, drives }: Drives, o: Cancel & { readonly drive?: string }): Promise<void> {
  const chosen = o.drive === undefined ? drives : drives.filter(({ drive }) => drive.drive === o.drive);
  if (o.drive !== undefined && chosen.length === 0) throw noSuchDrive(domain, o.drive);
  for (const { element, drive } of chosen) {
    // What lies in only at the next start is taken out too.
    if (drive.location === undefined && sourceOf(element) === undefined) continue;
    await change(client, domain, { signal: o.signal, flags, how: 'update', description: writeElement(withoutDisc(element)) });
  }
}

/** QEMU's word for a tray that was opened for the disc and that the guest, often its BIOS in search of a system, has shut before the disc lay in it. */
const isTrayShut = (error: unknown): boolean => isRefusal(error, ServerCode.internal) && /tray .*is not open/i.test(error.message);

async function whileTrayIsShut(change: () => Promise<unknown>, { signal }: Cancel): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      await change();
      return;
    } catch (error) {
      if (tries === TRAY_TRIES_MAX || !isTrayShut(error)) throw error;
    }
    await delay(TRAY_PAUSE_MS, undefined, { signal });
  }
}

async function change(
  client: Caller,
  domain: Domain,
  { signal, flags, how, description }: Cancel & { readonly flags: number; readonly how: 'update' | 'add'; readonly description: string },
): Promise<void> {
  const procedure = how === 'add' ? procedures.domainAttachDevice : procedures.domainUpdateDevice;
  const once = (): Promise<unknown> => client.call(procedure, { domain, xml: description, flags }, { signal });
  signal.throwIfAborted();
  try {
    await whileTrayIsShut(once, { signal });
  } catch (error) {
    if (isRefusal(error, ServerCode.operationFailed, ServerCode.timeout) && /tray|eject|locked/i.test(error.message))
      throw new HyperError('vm/wrong-state', `The guest of ${domain.name} holds the tray of its drive: ${error.message}`, { cause: error });
    throw error;
  }
}

/** The drive that was wished for; else the one that has it, an empty one, any. Undefined: there is none. */
function chooseDrive(
  domain: Domain,
  drives: Drives['drives'],
  { drive: wish, location }: { readonly drive?: string; readonly location: string },
): Drives['drives'][number] | undefined {
  if (wish !== undefined && drives.length > 0) return drives.find(({ drive }) => drive.drive === wish) ?? raise(noSuchDrive(domain, wish));
  const holds = (wanted: string | undefined) => drives.find(({ drive }) => drive.location === wanted);
  return holds(location) ?? holds(undefined) ?? drives[0];
}

function withDisc(element: XmlElement, { path, kind }: VolumeInfo): string {
  const bare = withoutDisc(element);
  const isDevice = kind === 'block';
  const disc = parseXml(xml('source', isDevice ? { dev: path } : { file: path }));
  const driver = parseXml(xml('driver', { name: 'qemu', type: 'raw' }));
  const attributes = new Map([...bare.attributes, ['type', isDevice ? 'block' : 'file']]);
  return writeElement({ ...bare, attributes, children: [driver, disc, ...bare.children] });
}

const withoutDisc = (element: XmlElement): XmlElement => ({
  ...element,
  attributes: new Map([...element.attributes, ['type', 'file']]),
  children: element.children.filter(({ name }) => !OF_THE_DISC.has(name)),
});

/** On the bus that its machine has: old PCs have IDE, all others take SATA, and what has neither takes SCSI. */
function newDrive(domain: XmlElement): XmlElement {
  const type = childNamed(domain, 'os', 'type')?.attributes;
  const isX86 = /^(x86_64|i686)$/.test(type?.get('arch') ?? '');
  const [bus, prefix] = !isX86 ? ['scsi', 'sd'] : /^(pc$|pc-i440fx|pc-0|pc-1)/.test(type?.get('machine') ?? '') ? ['ide', 'hd'] : ['sata', 'sd'];
  const taken = new Set(childrenNamed(childNamed(domain, 'devices'), 'disk').map(targetOf));
  const name = [...'abcdefghijklmnopqrstuvwxyz'].map((letter) => `${prefix}${letter}`).find((candidate) => !taken.has(candidate));
  if (name === undefined) throw new HyperError('vm/no-drive', 'The VM has as many disks as there are letters.');
  return parseXml(xml('disk', { type: 'file', device: 'cdrom' }, xml('target', { dev: name, bus }), xml('readonly')));
}

const drivesIn = (domain: XmlElement): Drives['drives'] =>
  childrenNamed(childNamed(domain, 'devices'), 'disk')
    .filter(({ attributes }) => attributes.get('device') === 'cdrom')
    .map((element) => {
      const location = sourceOf(element);
      return { element, drive: { drive: targetOf(element), ...(location === undefined ? {} : { location }) } };
    });

const targetOf = (element: XmlElement): string => tidyText(childNamed(element, 'target')?.attributes.get('dev')) ?? '';

async function describe(client: Caller, domain: Domain, { flags, ...o }: Cancel & { readonly flags: number }): Promise<XmlElement> {
  return parseXml((await client.call(procedures.domainGetXml, { domain, flags }, o)).xml);
}

const noSuchDrive = (domain: Domain, drive: string): HyperError =>
  new HyperError('vm/no-drive', `${domain.name} has no CD-ROM drive ${JSON.stringify(drive.slice(0, 40))}.`, { detail: { vm: domain.uuid } });

function raise(error: HyperError): never {
  throw error;
}
