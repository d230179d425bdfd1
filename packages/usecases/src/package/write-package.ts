import { createHash } from 'node:crypto';
import { HyperError, type ByteRange, type ExportedDisk, type VMInfo } from '@hypersdk/domain';
import type { ArchivedFile, Archiver, ArchiveRequest, Cancel, StorageTarget, StoredObject } from '@hypersdk/ports';
import { folderOf } from '../export/export-files.ts';
import { writeEnvelope } from './ovf-envelope.ts';
import { archiveFile, digestsFile, envelopeFile, type PackageKind } from './package-files.ts';

export interface PackagePorts {
  readonly target: StorageTarget;
  readonly archiver?: Archiver;
}

/** A proven disk and where its image lies: in a file of its own, or already in the archive. */
export interface PackableDisk {
  readonly disk: ExportedDisk;
  readonly packed?: ByteRange;
}

export interface PackageRequest {
  readonly kind: PackageKind;
  /** Of the export, whose folder the package goes to. */
  readonly name: string;
  readonly vm: VMInfo;
  readonly disks: readonly PackableDisk[];
  /** When the export began, so that a run which goes on writes the same package. */
  readonly startedAt: string;
}

/**
 * Puts the disks together to a package, durably, and answers how they are to be found in it. Of an archive the disks' own files are removed once it has its name,
 * so it takes twice the room for a while; a run that goes on finds them in either place.
 */
export async function writePackage(ports: PackagePorts, request: PackageRequest, o: Cancel): Promise<readonly ExportedDisk[]> {
  const disks = request.disks.map(({ disk }) => disk);
  const envelope = writeEnvelope(request.vm, disks);
  const digests = writeDigests(request.name, envelope, disks);
  if (request.kind === 'ova') return await writeArchive(ports, request, { ...o, envelope, digests });
  for (const [file, text] of [
    [envelopeFile(request.name), envelope],
    [digestsFile(request.name), digests],
  ] as const)
    await ports.target.put(`${request.name}/${file}`, new TextEncoder().encode(text), { signal: o.signal, ifAbsent: false });
  return disks;
}

/** DSP0243 1.1.0, "OVF package": a line for each file but the manifest itself. */
function writeDigests(name: string, envelope: string, disks: readonly ExportedDisk[]): string {
  const own = createHash('sha256').update(envelope).digest('hex');
  return [[envelopeFile(name), own] as const, ...disks.map(({ file, containerDigest }) => [file, containerDigest] as const)]
    .map(([file, digest]) => `SHA256(${file})= ${digest}\n`)
    .join('');
}

interface Texts extends Cancel {
  readonly envelope: string;
  readonly digests: string;
}

async function writeArchive(ports: PackagePorts, request: PackageRequest, o: Texts): Promise<readonly ExportedDisk[]> {
  const { name, disks } = request;
  const archive = archiveFile(name);
  const isThere = disks.every(({ packed }) => packed !== undefined) && (await holds(ports, request, o));
  if (!isThere) await requireArchiver(ports).write(toArchiveRequest(ports.target, request, o), { signal: o.signal });
  for (const { disk } of disks) await ports.target.delete(`${name}/${disk.file}`, o);
  return disks.map(({ disk }) => ({ ...disk, package: archive }));
}

/** Whether the archive of an earlier run describes the VM as it is now. */
async function holds(ports: PackagePorts, { name }: PackageRequest, o: Texts): Promise<boolean> {
  const path = `${folderOf(ports.target)}/${name}/${archiveFile(name)}`;
  const members = await requireArchiver(ports).list(path, o);
  const texts = [
    [envelopeFile(name), o.envelope],
    [digestsFile(name), o.digests],
  ] as const;
  for (const [file, text] of texts) {
    const range = members.find((member) => member.name === file);
    const bytes = range && (await ports.target.get(`${name}/${archiveFile(name)}`, { signal: o.signal, range }));
    if (!bytes || new TextDecoder().decode(bytes) !== text) return false;
  }
  return true;
}

/** The descriptor first, the manifest second, then the disks in the order in which the descriptor names them. */
function toArchiveRequest(target: StorageTarget, { name, disks, startedAt }: PackageRequest, o: Texts): ArchiveRequest {
  const folder = `${folderOf(target)}/${name}`;
  const path = `${folder}/${archiveFile(name)}`;
  const images = disks.map(({ disk, packed }) => ({
    name: disk.file,
    content: {
      kind: 'file',
      digest: disk.containerDigest,
      ...(packed ? { path, slice: packed } : { path: `${folder}/${disk.file}` }),
    } as const,
  }));
  return {
    path,
    members: [
      { name: envelopeFile(name), content: { kind: 'text', text: o.envelope } },
      { name: digestsFile(name), content: { kind: 'text', text: o.digests } },
      ...images,
    ],
    modifiedAt: Date.parse(startedAt),
  };
}

/** The members of the archive that an earlier run of an export finished, by name; none when there is none that can be trusted. */
export async function listPackage(
  ports: PackagePorts,
  o: Cancel & { readonly name: string; readonly kept: ReadonlyMap<string, StoredObject> },
): Promise<ReadonlyMap<string, ArchivedFile>> {
  const archive = archiveFile(o.name);
  if (!o.kept.has(archive) || !ports.archiver) return new Map();
  try {
    const members = await ports.archiver.list(`${folderOf(ports.target)}/${o.name}/${archive}`, o);
    return new Map(members.map((member) => [member.name, member]));
  } catch (error) {
    if (error instanceof HyperError && error.code.startsWith('archive/')) return new Map();
    throw error;
  }
}

function requireArchiver({ archiver }: PackagePorts): Archiver {
  if (archiver) return archiver;
  throw new HyperError('usage/invalid', 'No archives can be written here.');
}
