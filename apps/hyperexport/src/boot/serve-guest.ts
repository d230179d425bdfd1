import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { GuestLook, ImageFormat } from '@hypersdk/domain';
import type { BlockLocator, Cancel } from '@hypersdk/ports';
import type { ServedBootSource } from '@hypersdk/usecases';
import type { Services } from '../services.ts';

/** As what proofs leave behind when they are killed, which the next one sweeps up. */
const FOLDER_PREFIX = 'hypersdk-boot-disk-';
/** One machine is started at a time; firmware and guest share its connection. */
const CONNECTIONS_MAX = 4;

/** A disk on another machine or one that is encrypted, where an emulator without a network can reach it: on a socket of our own server, until disposal. */
export interface ServedGuest extends AsyncDisposable {
  readonly disk: ServedBootSource;
}

export async function serveGuest(services: Services, source: BlockLocator, o: Cancel & { readonly shown: string }): Promise<ServedGuest> {
  await using opened = new AsyncDisposableStack();
  const { guest, format } = await lookAt(services, source, o);
  const folder = await mkdtemp(join(tmpdir(), FOLDER_PREFIX));
  opened.defer(() => rm(folder, { recursive: true, force: true }));
  const socket = join(folder, 'disk');
  const request = { source, access: 'read-only', exportName: '', address: { path: socket }, connectionsMax: CONNECTIONS_MAX } as const;
  const { virtualSize } = opened.use(await services.diskServer.serve(request, o));
  const kept = opened.move();
  return { disk: { socket, shown: o.shown, format, virtualSize, firmwares: guest.firmwares }, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

async function lookAt(
  { remotes, webImages, inspector }: Services,
  source: BlockLocator,
  { signal }: Cancel,
): Promise<{ readonly guest: Pick<GuestLook, 'firmwares'>; readonly format: ImageFormat }> {
  if (source.kind === 'image') return { guest: await inspector.look(source.image, { signal }), format: source.image.format };
  if (source.kind === 'http') return { ...(await webImages.look(source, { signal })), format: source.format };
  const { look } = await remotes.inspect(source, { signal, looks: true });
  return { guest: look?.guest ?? { firmwares: [] }, format: 'raw' };
}
