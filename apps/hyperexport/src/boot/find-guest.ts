import { basename, dirname, extname, resolve } from 'node:path';
import { HyperError, type ImageFormat, type ImageRef } from '@hypersdk/domain';
import type { Cancel } from '@hypersdk/ports';
import { exportedGuest, type BootSubject } from '@hypersdk/usecases';
import { MANIFEST_FILE } from '../manifest-file.ts';
import { isAddress } from '../flags/parsers.ts';
import { locateDisk, nameOfAddress, nameOfDisk, type LocateFlags } from '../locate-disk.ts';
import type { Services } from '../services.ts';
import { statIfThere } from '../stat-if-there.ts';
import type { Stop } from '../stop.ts';
import type { Terminal } from '../terminal.ts';
import { serveDisks } from './serve-disks.ts';
import { serveGuest } from './serve-guest.ts';

export interface FoundGuest extends AsyncDisposable {
  /** Where its images lie, or where this was typed. */
  readonly folder: string;
  readonly subject: BootSubject;
}

interface Wish {
  readonly flags: LocateFlags;
  readonly stop: Stop;
  readonly terminal?: Pick<Terminal, 'canAsk'>;
}

/** What the command line names: an export's folder, its manifest, an image, or the address of one. */
export async function findGuest(services: Services, path: string, o: Wish): Promise<FoundGuest> {
  if (isAddress(path)) return onServer(services, path, o);
  const { sourceFormat: format } = o.flags;
  const { folder, subject } = await here(services, path, { signal: o.stop.signal, ...(format === undefined ? {} : { format }) });
  const served = await serveDisks(services, subject, { signal: o.stop.signal, refer: (disk) => referTo(services, disk, o) });
  return { folder, ...served };
}

/** The format that a manifest records counts, whatever the guest wrote into its disk. */
async function referTo(services: Services, { path, format }: { readonly path: string; readonly format?: ImageFormat }, o: Wish): Promise<ImageRef> {
  const source = await locateDisk(services, path, { ...o, flags: { ...o.flags, ...(format === undefined ? {} : { sourceFormat: format }) } });
  if (source.kind !== 'image') throw new HyperError('usage/invalid', `${path} is no image file.`);
  return source.image;
}

/** Its evidence has no place beside it, so it goes to the folder that one is in. */
async function onServer(services: Services, path: string, o: Wish): Promise<FoundGuest> {
  const source = await locateDisk(services, path, o);
  if (source.kind === 'image') throw new HyperError('usage/invalid', `${path} is no address of a disk.`);
  const shown = nameOfDisk(source, path);
  const { disk, [Symbol.asyncDispose]: close } = await serveGuest(services, source, { signal: o.stop.signal, shown });
  return { folder: process.cwd(), subject: { name: toEvidenceName(nameOfAddress(source)), vm: shown, disks: [disk] }, [Symbol.asyncDispose]: close };
}

async function here(
  services: Services,
  path: string,
  o: Cancel & { readonly format?: ImageFormat },
): Promise<Omit<FoundGuest, typeof Symbol.asyncDispose>> {
  const about = await statIfThere(path);
  if (!about) throw new HyperError('source/not-found', `There is no ${path}`);
  if (about.isDirectory()) return inExport(services, resolve(path), { ...o, manifest: MANIFEST_FILE });
  const [folder, name] = [dirname(resolve(path)), basename(path)];
  if (extname(name) === '.json') return inExport(services, folder, { ...o, manifest: name });
  const disk = { path: resolve(path), ...(o.format === undefined ? {} : { format: o.format }) };
  return { folder, subject: { name: toEvidenceName(name), disks: [disk] } };
}

async function inExport(
  services: Services,
  folder: string,
  o: Cancel & { readonly manifest: string },
): Promise<Omit<FoundGuest, typeof Symbol.asyncDispose>> {
  return { folder, subject: await exportedGuest(await services.target(folder), o.manifest, o) };
}

/** Names of objects allow less than names of files do, and `.boot.json` has to fit behind. */
const NAME_LENGTH_MAX = 100;

function toEvidenceName(file: string): string {
  const stem = file.slice(0, file.length - extname(file).length);
  return (
    stem
      .replaceAll(/[^A-Za-z0-9._-]/g, '-')
      .replace(/^[^A-Za-z0-9]+/, '')
      .slice(0, NAME_LENGTH_MAX) || 'disk'
  );
}
