import { HyperError, type ExportManifest, type Receipt, type VMInfo } from '@hypersdk/domain';
import type { Cancel, CopyOutcome, HistoryEntry, StorageTarget } from '@hypersdk/ports';
import { copiedParts, parseExportManifest, parseReceipt, readLinks, type ExportOutcome } from '@hypersdk/usecases';
import { MANIFEST_FILE } from '../manifest-file.ts';

interface Sought {
  readonly target: StorageTarget;
  readonly name: string;
  readonly vm: VMInfo;
  readonly run: HistoryEntry;
  /** An increment, which may have any number behind its name. */
  readonly isLink: boolean;
}

/**
 * What an earlier attempt of this very run has finished: a run over several VMs that was killed at the third does not begin with the first again.
 * Ids grow with time, so an export of this VM whose id is above the run's was begun by it; any other export is not ours to take.
 */
export async function findFinished(sought: Sought, o: Cancel): Promise<ExportOutcome | undefined> {
  const { target, vm, run } = sought;
  const found = sought.isLink ? await findLink(sought, o) : await findNamed(sought, o);
  if (!found || found.manifest.vm.id !== vm.id || found.manifest.vm.connection !== vm.connection || found.manifest.exportId <= run.id)
    return undefined;
  const { name, manifest } = found;
  const receipts: Receipt[] = [];
  for (const receipt of manifest.receipts) receipts.push(parseReceipt(await target.get(`${name}/${receipt}`, o)));
  const disks = toOutcomes(manifest, receipts, `${target.folder ?? ''}/${name}`);
  return { manifest, manifestName: `${name}/${MANIFEST_FILE}`, receipts, disks, warnings: [], explanations: [] };
}

interface Found {
  readonly name: string;
  readonly manifest: ExportManifest;
}

async function findNamed({ target, name }: Sought, o: Cancel): Promise<Found | undefined> {
  const bytes = await readIfThere(target, `${name}/${MANIFEST_FILE}`, o);
  return bytes && { name, manifest: parseExportManifest(bytes) };
}

async function findLink({ target, vm, run }: Sought, o: Cancel): Promise<Found | undefined> {
  const { links } = await readLinks(target, o);
  return links.find(({ manifest }) => manifest.vm.id === vm.id && manifest.vm.connection === vm.connection && manifest.exportId > run.id);
}

const toOutcomes = (manifest: ExportManifest, receipts: readonly Receipt[], folder: string): readonly CopyOutcome[] =>
  manifest.disks.map((disk, at) => ({
    path: `${folder}/${disk.file}`,
    virtualSize: disk.content.virtualSize,
    fileSize: disk.fileSize,
    content: disk.content,
    containerDigest: disk.containerDigest,
    ...copiedParts({ ...disk, home: `${folder}/` }),
    leavesPath: `${folder}/${disk.leaves}`,
    leavesChecked: receipts[at]?.body.verification.leavesChecked ?? 0,
    dataRead: 0,
    resumedAt: disk.content.virtualSize,
    warnings: [],
  }));

async function readIfThere(target: StorageTarget, name: string, o: Cancel): Promise<Uint8Array | undefined> {
  try {
    return await target.get(name, o);
  } catch (error) {
    if (error instanceof HyperError && error.code === 'source/not-found') return undefined;
    throw error;
  }
}
