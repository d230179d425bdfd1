import { HyperError, type VolumeInfo } from '@hypersdk/domain';
import type { Cancel } from '@hypersdk/ports';
import { childNamed, childrenNamed, parseXml, type XmlElement } from '@hypersdk/wire';
import { sourceOf } from '../disk-source.ts';
import { type Domain, procedures } from '../rpc/procedures.ts';
import type { Caller } from '../rpc/rpc-client.ts';
import { isRefusal, ServerCode } from '../rpc/server-error.ts';
import { listPools } from './libvirt-storage-pools.ts';

/** VIR_DOMAIN_XML_INACTIVE. */
const INACTIVE = 2;

/** Fails with `volume/in-use` when a VM has the volume, now or at its next start, or another volume lies on it. */
export async function requireUnused(client: Caller, volume: VolumeInfo, o: Cancel): Promise<void> {
  await requireNoVM(client, volume, o);
  const above = await findAbove(client, volume, o);
  if (above === undefined) return;
  throw new HyperError('volume/in-use', `The volume ${above} lies on ${volume.name}.`, { detail: { volume: volume.name, above } });
}

async function requireNoVM(client: Caller, volume: VolumeInfo, o: Cancel): Promise<void> {
  const names = new Set([volume.path, `${volume.pool}/${volume.name}`]);
  const { domains } = await client.call(procedures.listAllDomains, { needsResults: 1, flags: 0 }, o);
  for (const domain of domains) {
    for (const flags of [0, INACTIVE]) {
      if (!(await placesOf(client, { domain, flags }, o)).some((place) => names.has(place))) continue;
      throw new HyperError('volume/in-use', `The VM ${domain.name} has the volume ${volume.name}.`, {
        detail: { volume: volume.name, vm: domain.uuid },
      });
    }
  }
}

/** Where the disks of a VM lie, and what they lie on as far as it says. */
async function placesOf(client: Caller, about: { readonly domain: Domain; readonly flags: number }, o: Cancel): Promise<readonly string[]> {
  try {
    const root = parseXml((await client.call(procedures.domainGetXml, about, o)).xml);
    const os = childNamed(root, 'os');
    const files = ['kernel', 'initrd', 'loader', 'nvram'].flatMap((name) => childrenNamed(os, name).map(({ text }) => text.trim()));
    return [...files, ...childrenNamed(childNamed(root, 'devices'), 'disk').flatMap(layersOf)];
  } catch (error) {
    if (isRefusal(error, ServerCode.noDomain)) return [];
    throw error;
  }
}

function layersOf(disk: XmlElement): readonly string[] {
  const found: string[] = [];
  for (let layer: XmlElement | undefined = disk; layer; layer = childNamed(layer, 'backingStore')) {
    const place = sourceOf(layer);
    if (place !== undefined) found.push(place);
  }
  return found;
}

async function findAbove(client: Caller, { path }: VolumeInfo, o: Cancel): Promise<string | undefined> {
  for (const pool of await listPools(client, o)) {
    const answer = await unlessGone(client.call(procedures.poolListAllVolumes, { pool, needsResults: 1, flags: 0 }, o));
    for (const volume of answer?.volumes ?? []) {
      const described = await unlessGone(client.call(procedures.volumeGetXml, { volume, flags: 0 }, o));
      if (described && childNamed(parseXml(described.xml), 'backingStore', 'path')?.text === path) return volume.name;
    }
  }
  return undefined;
}

/** What was stopped or taken away meanwhile, or behind the back of its pool, lies on nothing. */
async function unlessGone<Answer>(call: Promise<Answer>): Promise<Answer | undefined> {
  try {
    return await call;
  } catch (error) {
    if (isRefusal(error, ServerCode.noVolume, ServerCode.noPool, ServerCode.operationInvalid, ServerCode.systemError)) return undefined;
    throw error;
  }
}
