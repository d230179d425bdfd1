// libvirt, "Storage pool and volume XML format"; virStorageVolCreateXMLFrom: the server copies, and neither tells how far it is nor stops when it is asked to.
import { setTimeout as delay } from 'node:timers/promises';
import type { Cancel } from '@hypersdk/ports';
import { xml, xmlText } from '@hypersdk/wire';
import { unstoppable } from '../backup/run-effects.ts';
import { findVolume } from '../restore/storage.ts';
import { procedures, type StoragePool, type StorageVolume } from '../rpc/procedures.ts';
import type { Caller } from '../rpc/rpc-client.ts';
import type { SourceDisk } from './find-disks.ts';

/** Often enough for a person who looks on, and not more. */
const LOOK_MS = 250;
/** A copy that was called off is named by its pool within this time. */
const APPEAR_MS = 60_000;

export interface VolumeWish {
  readonly pool: StoragePool;
  readonly name: string;
  readonly original: Pick<SourceDisk, 'volume' | 'path' | 'format' | 'look'>;
  /** Whether it holds only what is written to it, and reads all else from the original. */
  readonly isLink: boolean;
}

/** What is called off is left as soon as the pool knows it by its name, so that it can be taken away. `leave`: it does not even after a minute. */
export async function copyVolume(
  client: Caller,
  wish: VolumeWish,
  { signal, onCopied, leave }: Cancel & { readonly onCopied: (copied: number) => void; readonly leave: () => void },
): Promise<StorageVolume> {
  const { pool, name, original, isLink } = wish;
  const description = toVolumeXml(wish);
  if (isLink) return (await client.call(procedures.volumeCreateXml, { pool, xml: description, flags: 0 }, unstoppable)).volume;
  const copying = client.call(procedures.volumeCreateXmlFrom, { pool, xml: description, original: original.volume, flags: 0 }, unstoppable);
  const over = copying.then(
    () => true,
    () => true,
  );
  const pause = (): Promise<boolean> => Promise.race([over, delay(LOOK_MS, false, { ref: false })]);
  while (!signal.aborted && !(await Promise.race([over, untilAborted(signal, pause())]))) {
    // Progress that cannot be told is no reason to end a copy; what ends it comes from the copy itself.
    const copied = await measure(client, pool, name).catch(() => undefined);
    if (copied !== undefined && !signal.aborted) onCopied(copied);
  }
  for (const until = performance.now() + APPEAR_MS; signal.aborted && !(await isKnown(client, pool, name)) && !(await pause());) {
    if (performance.now() < until) continue;
    leave();
    break;
  }
  signal.throwIfAborted();
  return (await copying).volume;
}

const isKnown = async (client: Caller, pool: StoragePool, name: string): Promise<boolean> =>
  (await findVolume(client, pool, name).catch(() => undefined)) !== undefined;

async function measure(client: Caller, pool: StoragePool, name: string): Promise<number | undefined> {
  const volume = await findVolume(client, pool, name);
  return volume && Number((await client.call(procedures.volumeGetInfo, { volume }, unstoppable)).allocation);
}

function untilAborted(signal: AbortSignal, work: Promise<boolean>): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const stop = (): void => resolve(true);
  signal.addEventListener('abort', stop, { once: true });
  return Promise.race([promise, work]).finally(() => signal.removeEventListener('abort', stop));
}

/** Names, sizes and formats are those of the original; zeros of a raw one take no room again. */
function toVolumeXml({ name, original, isLink }: VolumeWish): string {
  const { look, path } = original;
  const format = isLink ? 'qcow2' : original.format;
  const features = format === 'qcow2' ? [xml('compat', {}, '1.1')] : [];
  return xml(
    'volume',
    {},
    xml('name', {}, xmlText(name)),
    xml('capacity', { unit: 'bytes' }, String(look.capacity)),
    xml('allocation', { unit: 'bytes' }, '0'),
    xml('target', {}, xml('format', { type: format }), ...features),
    ...(isLink ? [xml('backingStore', {}, xml('path', {}, xmlText(path)), xml('format', { type: original.format }))] : []),
  );
}
