import { HyperError, imageFormats, toExportId, type ExportedDisk, type ExportId } from '@hypersdk/domain';
import type { Cancel, ExportLease, StorageTarget, StoredObject } from '@hypersdk/ports';
import { readLinks } from '../chain/read-links.ts';
import { artifactName, checksumsName, diskFile, journalName, leavesFile, listFiles, manifestName, receiptFile } from './export-files.ts';
import { planDigest, readJournal, vmDigest, writeJournal, type ExportJournal } from './export-journal.ts';
import type { ExportPorts, ExportRequest } from './export-types.ts';
import { allPackageFiles, packageFiles } from '../package/package-files.ts';

export interface BegunExport {
  readonly exportId: ExportId;
  readonly startedAt: string;
  /** Finished disks found here are this export's own work. */
  readonly continues: boolean;
}

type Ports = Pick<ExportPorts, 'target' | 'clock' | 'ids'>;
type Request = Pick<ExportRequest, 'name' | 'settings' | 'encryption' | 'volumeSize' | 'package' | 'overwrite' | 'restart'>;

/**
 * Goes on with the work of an earlier run of the same export, or clears the place and begins. The new journal is put after clearing,
 * so a run that dies in between clears again, and what the journal vouches for is never older than the journal.
 */
export async function beginExport(ports: Ports, request: Request, o: Cancel & { readonly lease: ExportLease }): Promise<BegunExport> {
  const { target } = ports;
  const { name } = request;
  const files = await listFiles(target, name, o);
  const journal = files.has(baseName(journalName(name))) ? await readJournal(target, name, o) : undefined;
  const plan = planDigest({ ...request, vm: o.lease.vm, disks: o.lease.disks.map(({ disk }) => disk) });
  const isOurs = journal?.vm === vmDigest(o.lease.vm);

  const obstacle = findObstacle(files, { request, diskCount: o.lease.disks.length, isOurs });
  if (obstacle !== undefined && !request.overwrite) throw alreadyThere(obstacle, name);
  if (obstacle === undefined && journal?.plan === plan && !request.restart) return { ...pick(journal), continues: true };

  await clear(target, files, { ...o, request });
  const begun: ExportJournal = {
    kind: 'hypersdk.export-journal',
    version: 1,
    exportId: toExportId(ports.ids.next()),
    startedAt: new Date(ports.clock.now()).toISOString(),
    plan,
    vm: vmDigest(o.lease.vm),
  };
  await writeJournal(target, name, { signal: o.signal, journal: begun });
  return { ...pick(begun), continues: false };
}

/** Asked before the source is held still, which may cost a snapshot there. */
export async function refuseComplete(target: StorageTarget, request: Request, o: Cancel): Promise<void> {
  const manifest = manifestName(request.name);
  let isThere = false;
  for await (const { name } of target.list(manifest, o)) isThere ||= name === manifest;
  if (!isThere) return;
  if (!request.overwrite) throw alreadyThere(`${request.name} already holds a complete export.`, request.name);
  const { links } = await readLinks(target, o);
  const above = links.find((link) => link.manifest.disks.some(({ parent }) => parent?.export === request.name));
  if (above) throw alreadyThere(`${request.name} cannot be replaced: ${above.name} lies on it.`, request.name);
}

interface OwnPlace {
  readonly name: string;
  readonly begun: Pick<BegunExport, 'exportId'>;
  readonly disks: readonly ExportedDisk[];
}

/** Looked at before the manifest: another run may have begun anew in this place meanwhile, and nothing may be told of that it cleared away. */
export async function requireOwnPlace(target: StorageTarget, { name, begun, disks }: OwnPlace, o: Cancel): Promise<void> {
  const journal = await readJournal(target, name, o);
  const files = await listFiles(target, name, o);
  const lost = disks.find((disk) => disk.package === undefined && files.get(disk.file)?.size !== disk.fileSize);
  if (journal?.exportId === begun.exportId && !lost) return;
  throw new HyperError('target/busy', `Another export to ${name} began meanwhile and took away what this one had finished.`, { detail: { name } });
}

const alreadyThere = (why: string, name: string): HyperError => new HyperError('target/exists', why, { detail: { name } });

const pick = ({ exportId, startedAt }: ExportJournal): Pick<ExportJournal, 'exportId' | 'startedAt'> => ({ exportId, startedAt });

interface Place {
  readonly request: Pick<Request, 'name' | 'settings' | 'encryption' | 'volumeSize' | 'package'>;
  readonly diskCount: number;
  /** A journal says that unfinished work here belongs to this VM. */
  readonly isOurs: boolean;
}

/** Why an export may not begin here without `overwrite`. */
export function findObstacle(files: ReadonlyMap<string, StoredObject>, { request, diskCount, isOurs }: Place): string | undefined {
  const { name } = request;
  if (files.has(baseName(manifestName(name)))) return `${name} already holds a complete export.`;
  if (isOurs) return undefined;
  if (files.has(baseName(journalName(name)))) return `${name} holds an unfinished export of another VM.`;
  const ours = Array.from({ length: diskCount }, (_, index) => diskFile(index, request));
  const packaged = request.package === undefined ? [] : packageFiles(name, request.package);
  const named = [...ours, ...ours.map(leavesFile), ...ours.map(receiptFile), ...packaged, baseName(artifactName(name))];
  const taken = named.find((file) => files.has(file)) ?? [...files.keys()].find((file) => DISK_FILE.exec(file)?.groups?.['extent'] !== undefined);
  return taken === undefined ? undefined : `${name} already holds a file ${taken} that no unfinished export wrote.`;
}

/** Images, the extents of those that lie in several files, and what belongs to either. */
const DISK_FILE = new RegExp(
  `^(?<image>disk-\\d+(?<extent>-(?:flat|[sf]\\d{3,}))?\\.(?:${imageFormats.join('|')})(?:\\.age)?(?:\\.001)?)(?<rest>\\..+)?$`,
);

/**
 * Removes what an older export left. Of a complete one the manifest goes first; an old journal stays until the new one replaces it, so that a run
 * which dies here finds its place again. Kept checkpoints of the images to come stay: the engine judges them by settings and mark.
 */
async function clear(
  target: StorageTarget,
  files: ReadonlyMap<string, StoredObject>,
  o: Cancel & { readonly request: Request; readonly lease: ExportLease },
): Promise<void> {
  const { name } = o.request;
  const wanted = new Set(o.lease.disks.map((_, index) => diskFile(index, o.request)));
  const packaged = new Set(allPackageFiles(name));
  const old = [...files.keys()].filter((file) => {
    if (packaged.has(file)) return true;
    const { image, rest } = DISK_FILE.exec(file)?.groups ?? {};
    if (image === undefined) return false;
    return !wanted.has(image) || rest === undefined || file === leavesFile(image) || file === receiptFile(image);
  });
  // A journal beside a complete export is a left-over of the run that completed it, and must not vouch for that run's files.
  const complete = files.has(baseName(manifestName(name))) ? [journalName(name), manifestName(name)] : [];
  const checksums = files.has(baseName(checksumsName(name))) ? [checksumsName(name)] : [];
  for (const object of [...complete, ...checksums, artifactName(name), ...old.map((file) => `${name}/${file}`)]) await target.delete(object, o);
}

const baseName = (object: string): string => object.slice(object.lastIndexOf('/') + 1);
