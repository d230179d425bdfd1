import { HyperError, type ExportManifest, type Receipt, type VMInfo } from '@hypersdk/domain';
import type { Cancel, CopyOutcome, HistoryEntry, StorageTarget } from '@hypersdk/ports';
import { parseExportManifest, parseReceipt, type ExportOutcome } from '@hypersdk/usecases';
import { MANIFEST_FILE } from '../manifest-file.ts';

interface Sought {
  readonly target: StorageTarget;
  readonly name: string;
  readonly vm: VMInfo;
  readonly run: HistoryEntry;
}

/**
 * What an earlier attempt of this very run has finished: a run over several VMs that was killed at the third does not begin with the first again.
 * Ids grow with time, so an export of this VM whose id is above the run's was begun by it; any other export is not ours to take.
 */
export async function findFinished({ target, name, vm, run }: Sought, o: Cancel): Promise<ExportOutcome | undefined> {
  const manifestName = `${name}/${MANIFEST_FILE}`;
  const bytes = await readIfThere(target, manifestName, o);
  if (!bytes) return undefined;
  const manifest = parseExportManifest(bytes);
  if (manifest.vm.id !== vm.id || manifest.vm.connection !== vm.connection || manifest.exportId <= run.id) return undefined;
  const receipts: Receipt[] = [];
  for (const receipt of manifest.receipts) receipts.push(parseReceipt(await target.get(`${name}/${receipt}`, o)));
  return { manifest, manifestName, receipts, disks: toOutcomes(manifest, receipts, `${target.folder ?? ''}/${name}`), warnings: [] };
}

const toOutcomes = (manifest: ExportManifest, receipts: readonly Receipt[], folder: string): readonly CopyOutcome[] =>
  manifest.disks.map((disk, at) => ({
    path: `${folder}/${disk.file}`,
    virtualSize: disk.content.virtualSize,
    fileSize: disk.fileSize,
    content: disk.content,
    containerDigest: disk.containerDigest,
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
