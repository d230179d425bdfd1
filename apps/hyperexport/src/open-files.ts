import { resolve } from 'node:path';
import type { Cancel, ProviderSession, SourceWork } from '@hypersdk/ports';
import { isConnection, type ConnectionFlags, type WorkFlags } from './flags/connection-flags.ts';
import { isAddress } from './flags/parsers.ts';
import type { RemoteFlags } from './flags/remote-flags.ts';
import type { Services } from './services.ts';

export interface FilesFlags {
  readonly recursive?: boolean;
  readonly followReferences?: boolean;
}

export interface PlaceFlags extends FilesFlags, RemoteFlags, WorkFlags {
  readonly pointInTime?: string;
  readonly bitmap?: string;
}

const onOff = { kind: 'boolean', optional: true, withNegated: false } as const;

export const filesFlags = {
  recursive: { ...onOff, brief: 'Look through folders inside PATH too' },
  followReferences: { ...onOff, brief: 'Allow files beside an image that it refers to' },
} as const;

/** A session over a folder of disk images, one image, the VMs of a hypervisor, or the disk at an address; that one is a VM called `name`, or as its file or export is. */
export async function openPlace(
  services: Services,
  place: string,
  o: Cancel & { readonly flags: PlaceFlags; readonly name?: string | undefined },
): Promise<ProviderSession> {
  if (isConnection(place)) return openForWork(services, place, o);
  return isAddress(place) ? openAddress(services, place, o) : openFiles(services, place, o);
}

/** What may be said of a place that is only looked at. */
export type LookFlags = FilesFlags & RemoteFlags & ConnectionFlags;

/** As `openPlace`, for whoever makes nothing there. */
export async function openToLook(services: Services, place: string, o: Cancel & { readonly flags: LookFlags }): Promise<ProviderSession> {
  if (isConnection(place)) return openConnection(services, place, o);
  return isAddress(place) ? openAddress(services, place, o) : openFiles(services, place, o);
}

/** A folder or image in a form that holds in any folder; an address or a connection as it was typed. */
export const absolutePlace = (place: string): string => (isConnection(place) || isAddress(place) ? place : resolve(place));

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
async function openConnection(
  services: Services,
  uri: string,
  { flags, signal }: Cancel & { readonly flags: ConnectionFlags },
): Promise<ProviderSession> {
  const { libvirt } = await services.registry();
  return libvirt.open(libvirt.parse({ ...toConfig(uri, flags), readOnly: true }), { signal });
}

/** A session that may make things at the hypervisor. It is a run of its own, and counts as going on until it is disposed of. */
export async function openForWork(
  services: Services,
  uri: string,
  { flags, signal }: Cancel & { readonly flags: WorkFlags },
): Promise<ProviderSession> {
  const { libvirt } = await services.registry();
  await using opened = new AsyncDisposableStack();
  const run = services.ids.next();
  opened.use(services.runs.hold(run));
  const work: SourceWork = {
    run,
    effects: await services.effects(),
    isRunning: (other) => services.runs.isHeld(other),
    takeOver: (other) => void kept.use(services.runs.hold(other)),
  };
  const session = opened.use(await libvirt.open(libvirt.parse(toConfig(uri, flags)), { signal, work }));
  const kept = opened.move();
  return { facets: session.facets, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

const toConfig = (uri: string, { allowPlaintext, thumbprint, user, passwordFile, scratch }: WorkFlags): Readonly<Record<string, unknown>> => ({
  uri,
  allowsPlaintext: allowPlaintext ?? false,
  ...(thumbprint === undefined ? {} : { thumbprint }),
  ...(user === undefined ? {} : { user }),
  ...(passwordFile === undefined ? {} : { passwordFile }),
  ...(scratch === undefined ? {} : { scratchFolder: scratch }),
});

/** A session over a folder of disk images or one image. */
async function openFiles(services: Services, path: string, o: Cancel & { readonly flags: FilesFlags }): Promise<ProviderSession> {
  const { files } = await services.registry();
  const config = files.parse({
    path: resolve(path),
    recursive: o.flags.recursive ?? false,
    references: o.flags.followReferences ? 'beside' : 'refuse',
  });
  return files.open(config, o);
}
