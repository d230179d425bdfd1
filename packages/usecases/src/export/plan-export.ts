import { formatBytes, type VMInfo } from '@hypersdk/domain';
import type { Cancel, ImageSettings, StorageTarget, StoredObject } from '@hypersdk/ports';
import { chooseParent } from '../chain/choose-parent.ts';
import { readLinks } from '../chain/read-links.ts';
import type { Finding } from '../finding.ts';
import { findObstacle } from './begin-export.ts';
import { diskFile, folderOf, leavesFile, listFiles, manifestName, receiptFile } from './export-files.ts';
import { planDigest, readJournal, vmDigest } from './export-journal.ts';
import { checkExportName } from './export-name.ts';
import type { ExportPlan, PlannedDisk, PlanPorts, PlanRequest } from './export-plan.ts';
import { chooseDisks, surveyDisk } from './survey-disk.ts';

/** What an export would do, without any effect at source or target. */
export const planExport =
  (ports: PlanPorts) =>
  async (request: PlanRequest, o: Cancel): Promise<ExportPlan> => {
    const { name, settings } = request;
    folderOf(ports.target);
    checkExportName(name);
    const vm = await request.session.facets.inventory.get(request.vm, o);
    const chosen = chooseDisks(vm, request.disks);
    const files = await listFiles(ports.target, name, o);
    const journal = await readJournal(ports.target, name, o);
    const isOurs = journal?.vm === vmDigest(vm);
    const obstacle = findObstacle(files, { request, diskCount: chosen.length, isOurs });
    const resumes = isOurs && obstacle === undefined && !request.restart && journal.plan === planDigest({ ...request, vm, disks: chosen });

    const disks: PlannedDisk[] = [];
    const findings: Finding[] = describeVM(request, chosen.length);
    for (const [index, disk] of chosen.entries()) {
      const survey = await surveyDisk(ports.inspector, disk, {
        signal: o.signal,
        isFile: vm.provider === 'files',
        references: request.references ?? 'refuse',
      });
      const file = diskFile(index, request);
      disks.push({ ...survey.disk, file, sizeExpected: expectSize(survey.disk, request), action: resumes ? findAction(files, file) : 'copy' });
      findings.push(...survey.findings);
    }
    if (request.incremental !== undefined) findings.push(...(await describeIncrement(ports.target, request, { signal: o.signal, vm, disks })));
    // The images and the archive lie beside each other until the archive has its name.
    const copies = request.package === 'ova' ? 2 : 1;
    const spaceNeeded = copies * disks.reduce((sum, disk) => sum + stillNeeded(disk), 0);
    const { free } = await ports.target.usage(o);
    findings.push(...describeObstacle(obstacle, request), ...describeSpace(settings, { spaceNeeded, free }));
    const space = free === undefined ? { spaceNeeded } : { spaceNeeded, spaceFree: free };
    return { vm, name, manifestName: manifestName(name), disks, ...space, resumes, findings };
  };

/** Tables of a sparse image: 8 bytes and a reference count for each cluster of 64 KiB come to 0.02 %; small clusters need up to 2 %. */
const TABLE_SHARE = 0.02;
const HEADER_SIZE = 1024 * 1024;

/** Bytes that an image of the disk may take at most. */
export function expectSize(
  { virtualSize, allocatedSize }: Pick<PlannedDisk, 'virtualSize' | 'allocatedSize'>,
  { settings, encryption }: Pick<PlanRequest, 'settings' | 'encryption'>,
): number {
  // What is encrypted has no holes.
  if (encryption && settings.format === 'raw') return Math.ceil(virtualSize * (1 + TABLE_SHARE)) + HEADER_SIZE;
  const isFull = settings.preallocation === 'full' || settings.preallocation === 'falloc';
  const content = isFull ? virtualSize : (allocatedSize ?? virtualSize);
  return settings.format === 'raw' ? content : Math.ceil(content * (1 + TABLE_SHARE)) + HEADER_SIZE;
}

function findAction(files: ReadonlyMap<string, StoredObject>, file: string): PlannedDisk['action'] {
  if ([file, leavesFile(file), receiptFile(file)].every((needed) => files.has(needed))) return 'adopt';
  return [...files.keys()].some((name) => name.startsWith(`${file}.partial.`)) ? 'resume' : 'copy';
}

/** A kept partial may be sparse, so it is not counted as space already taken: the answer errs on the safe side. */
const stillNeeded = (disk: PlannedDisk): number => (disk.action === 'adopt' ? 0 : disk.sizeExpected);

function describeVM(request: PlanRequest, diskCount: number): Finding[] {
  const findings: Finding[] = [];
  if (!request.session.facets.diskExport) findings.push({ severity: 'error', summary: 'This platform does not let disks be read.' });
  if (diskCount === 0) findings.push({ severity: 'error', summary: 'The VM has no disks to export.' });
  return findings;
}

/** What each disk would be put upon, as far as manifests tell; damage is found when it is read. */
async function describeIncrement(
  target: StorageTarget,
  { incremental }: PlanRequest,
  { signal, vm, disks }: Cancel & { readonly vm: VMInfo; readonly disks: readonly PlannedDisk[] },
): Promise<readonly Finding[]> {
  const { links } = await readLinks(target, { signal });
  return disks.map((disk) => {
    const choice = chooseParent(links, vm, disk);
    if ('chain' in choice) return { severity: 'note', summary: `${disk.label} would be an increment: ${choice.explanation}.` };
    return { severity: incremental === 'required' ? 'error' : 'warning', summary: `${disk.label} would be copied in full: ${choice.reason}.` };
  });
}

function describeObstacle(obstacle: string | undefined, { name, overwrite }: PlanRequest): readonly Finding[] {
  if (obstacle === undefined) return [];
  if (overwrite) return [{ severity: 'warning', summary: `${obstacle} It would be replaced.`, path: name }];
  return [{ severity: 'error', summary: obstacle, detail: 'Choose another name, or allow replacing it.', path: name }];
}

function describeSpace(
  settings: ImageSettings,
  { spaceNeeded, free }: { readonly spaceNeeded: number; readonly free: number | undefined },
): readonly Finding[] {
  if (free === undefined || spaceNeeded <= free) return [];
  const isCompressed = settings.compression !== undefined && settings.compression !== 'none';
  const summary = `The target has ${formatBytes(free)} free, and the export may need ${formatBytes(spaceNeeded)}.`;
  return [isCompressed ? { severity: 'warning', summary, detail: 'Compression may make it fit.' } : { severity: 'error', summary }];
}
