import { resolve } from 'node:path';
import type { Cancel, ProviderSession } from '@hypersdk/ports';
import type { ConnectionFlags } from './flags/connection-flags.ts';
import { isAddress } from './flags/parsers.ts';
import type { RemoteFlags } from './flags/remote-flags.ts';
import type { Services } from './services.ts';

export interface FilesFlags {
  readonly recursive?: boolean;
  readonly followReferences?: boolean;
}

export interface PlaceFlags extends FilesFlags, RemoteFlags {
  readonly pointInTime?: string;
  readonly bitmap?: string;
}

const onOff = { kind: 'boolean', optional: true, withNegated: false } as const;

export const filesFlags = {
  recursive: { ...onOff, brief: 'Look through folders inside PATH too' },
  followReferences: { ...onOff, brief: 'Allow files beside an image that it refers to' },
} as const;

/** A session over a folder of disk images, one image, or the disk at an address; that one is a VM called `name`, or as its file or export is. */
export async function openPlace(
  services: Services,
  place: string,
  o: Cancel & { readonly flags: PlaceFlags; readonly name?: string | undefined },
): Promise<ProviderSession> {
  return isAddress(place) ? openAddress(services, place, o) : openFiles(services, place, o);
}

async function openAddress(
  services: Services,
  address: string,
  { flags, name, signal }: Cancel & { readonly flags: PlaceFlags; readonly name?: string | undefined },
): Promise<ProviderSession> {
  const { nbd, http } = await services.registry();
  const provider = /^https?:/i.test(address) ? http : nbd;
  const config = provider.parse({
    vms: [{ disks: [address], ...(name === undefined ? {} : { name }) }],
    allowsPlaintext: flags.allowPlaintext ?? false,
    isSingle: flags.singleConnection ?? false,
    // Without a promise that it is the same, an export is never spliced with what was read of it before.
    pointInTime: flags.pointInTime ?? services.ids.next(),
    ...(flags.bitmap === undefined ? {} : { bitmap: flags.bitmap }),
    ...(flags.ca === undefined ? {} : { authorityFile: flags.ca }),
    ...(flags.headerFile === undefined ? {} : { headerFile: flags.headerFile }),
  });
  return provider.open(config, { signal });
}

/** A session with the hypervisor behind a connection, which is only looked at. */
export async function openConnection(
  services: Services,
  uri: string,
  { flags, ...o }: Cancel & { readonly flags: ConnectionFlags },
): Promise<ProviderSession> {
  const { libvirt } = await services.registry();
  const config = libvirt.parse({
    uri,
    readOnly: true,
    allowsPlaintext: flags.allowPlaintext ?? false,
    ...(flags.thumbprint === undefined ? {} : { thumbprint: flags.thumbprint }),
    ...(flags.user === undefined ? {} : { user: flags.user }),
    ...(flags.passwordFile === undefined ? {} : { passwordFile: flags.passwordFile }),
  });
  return libvirt.open(config, o);
}

/** A session over a folder of disk images or one image. */
export async function openFiles(services: Services, path: string, o: Cancel & { readonly flags: FilesFlags }): Promise<ProviderSession> {
  const { files } = await services.registry();
  const config = files.parse({
    path: resolve(path),
    recursive: o.flags.recursive ?? false,
    references: o.flags.followReferences ? 'beside' : 'refuse',
  });
  return files.open(config, o);
}
