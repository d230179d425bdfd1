import { HyperError, type DiskId, type ExportedDisk, type VMInfo } from '@hypersdk/domain';
import type { Cancel, ExportableDisk, ExportLease, StorageTarget, Watch } from '@hypersdk/ports';
import type { ChainLink } from '../chain/chain-link.ts';
import { chooseParent } from '../chain/choose-parent.ts';
import { openBasis } from '../chain/open-basis.ts';
import { readLinks } from '../chain/read-links.ts';
import { toArtifactManifest } from '../manifest/artifact-manifest.ts';
import { checkVMInfo, sealExportManifest, writeDocument } from '../manifest/export-manifest.ts';
import { listPackage, writePackage } from '../package/write-package.ts';
import { beginExport, refuseComplete, requireOwnPlace, type BegunExport } from './begin-export.ts';
import { explainFailure } from './explain-failure.ts';
import { exportDisk, type DiskResult } from './export-disk.ts';
import { artifactName, folderOf, journalName, listFiles, manifestName, receiptFile } from './export-files.ts';
import { checkExportName } from './export-name.ts';
import { ProgressBoard } from './export-progress.ts';
import type { ExportOutcome, ExportPorts, ExportProgress, ExportRequest } from './export-types.ts';
import { runTogether } from './run-together.ts';

/**
 * Exports the disks of a VM, all from one point in time, to one folder of the target. When it answers, every disk is proven and the manifest is durable.
 * The same request after a crash, a failure or a cancellation goes on from what was done; without a manifest there is no export.
 */
export const exportVM =
  (ports: ExportPorts) =>
  async (request: ExportRequest, o: Watch<ExportProgress>): Promise<ExportOutcome> => {
    checkRequest(ports, request);
    await refuseComplete(ports.target, request, o);
    const links = request.incremental === undefined ? undefined : (await readLinks(ports.target, o)).links;
    await using lease = await openLease(request, { signal: o.signal, ...(links ? { links } : {}) });
    const begun = await beginExport(ports, request, { signal: o.signal, lease });
    const board = new ProgressBoard(lease.disks, ports.clock, o.onProgress ?? (() => undefined));
    // What is gone need not be read to its end; the partial files stay as after any stop.
    const signal = lease.lost ? AbortSignal.any([o.signal, lease.lost]) : o.signal;
    const copying = { signal, lease, begun, board, ...(links ? { links } : {}) };
    const results = await exportDisks(ports, request, copying).catch(async (error: unknown) => {
      throw await explainFailure(lease, error);
    });
    await lease.check(o);
    const disks = await packDisks(ports, request, { signal: o.signal, lease, begun, results });
    for (const index of disks.keys()) board.update(index, 'done');
    await requireParents(ports.target, disks, o);
    await requireOwnPlace(ports.target, { name: request.name, begun, disks }, o);
    const manifest = sealExportManifest({
      kind: 'hypersdk.export-manifest',
      version: 1,
      exportId: begun.exportId,
      tool: ports.tool,
      startedAt: begun.startedAt,
      finishedAt: new Date(ports.clock.now()).toISOString(),
      mode: disks.some(({ parent }) => parent) ? 'incremental' : 'full',
      ...(request.flattenedFrom ? { flattenedFrom: request.flattenedFrom } : {}),
      ...(request.convertedFrom ? { convertedFrom: request.convertedFrom } : {}),
      consistency: lease.consistency,
      vm: lease.vm,
      disks,
      receipts: results.map(({ disk }) => receiptFile(disk.file)),
    });
    const { name } = request;
    // Whoever goes by it looks for whole images that lie beside it.
    const artifact = request.package === 'ova' || manifest.mode === 'incremental' ? undefined : toArtifactManifest(manifest);
    if (artifact) await ports.target.put(artifactName(name), writeDocument(artifact), { signal: o.signal, ifAbsent: false });
    await ports.target.put(manifestName(name), writeDocument(manifest), { signal: o.signal, ifAbsent: true });
    await lease.complete?.({ signal: o.signal, keptFor: `${folderOf(ports.target)}/${name}` });
    await ports.target.delete(journalName(name), o);
    return {
      manifest,
      manifestName: manifestName(name),
      receipts: results.map(({ receipt }) => receipt),
      disks: results.map(({ outcome }) => outcome),
      warnings: results.flatMap(toWarnings),
      explanations: results.flatMap(({ disk, explanation }) => (explanation === undefined ? [] : [`${disk.label}: ${explanation}`])),
    };
  };

function checkRequest(ports: ExportPorts, request: ExportRequest): void {
  folderOf(ports.target);
  checkExportName(request.name);
  if (!(request.verifyPercent >= 1 && request.verifyPercent <= 100))
    throw new HyperError('usage/invalid', 'The percentage to verify lies between 1 and 100.');
  if (request.package !== undefined && (request.settings.format !== 'vmdk' || request.settings.subformat !== 'streamOptimized'))
    throw new HyperError('usage/invalid', 'The disks of an OVF package are streamOptimized VMDKs.');
  if ((request.package !== undefined || request.incremental !== undefined) && request.volumeSize !== undefined)
    throw new HyperError('usage/invalid', 'Only images by themselves are split, neither packages nor increments.');
  if (request.package !== undefined && request.encryption)
    throw new HyperError(
      'usage/invalid',
      'A package is for other platforms, which cannot read what is encrypted; encrypt images, such as streamOptimized VMDKs.',
    );
  if (request.incremental !== undefined && (request.settings.format !== 'qcow2' || request.package !== undefined))
    throw new HyperError('usage/invalid', 'An increment is a qcow2 image that lies on an earlier one.');
  if (request.incremental !== undefined && request.encryption)
    throw new HyperError(
      'usage/invalid',
      'An increment lies on an earlier image and cannot be encrypted; leave out --incremental, or the encryption.',
    );
  const width = widthOf(request);
  if (!Number.isInteger(width) || width < 1) throw new HyperError('usage/invalid', 'At least one disk is copied at a time.');
}

const widthOf = ({ parallel }: ExportRequest): number => (typeof parallel === 'number' ? parallel : parallel.count);

async function openLease(request: ExportRequest, { signal, links }: Cancel & { readonly links?: readonly ChainLink[] }): Promise<ExportLease> {
  const { diskExport, inventory } = request.session.facets;
  if (!diskExport) throw new HyperError('usage/invalid', 'This platform does not let disks be read.');
  await using stack = new AsyncDisposableStack();
  const earlier = links?.flatMap(({ manifest }) => manifest.disks.map(({ source }) => source.mark)) ?? [];
  const changes = links && { changes: { since: marksOf(links, await inventory.get(request.vm, { signal })), earlier } };
  const lease = stack.use(
    await diskExport.open(request.vm, { signal, ...changes, ...(request.disks === undefined ? {} : { disks: request.disks }) }),
  );
  if (lease.disks.length === 0) throw new HyperError('source/not-found', `VM ${lease.vm.name} has no disks to export.`);
  // What the platform says goes into the manifest: better refused now than after the copy.
  checkVMInfo(lease.vm);
  stack.move();
  return lease;
}

/** The marks that increments of these disks would begin at. */
function marksOf(links: readonly ChainLink[], vm: VMInfo): ReadonlyMap<DiskId, string> {
  const marks = new Map<DiskId, string>();
  for (const disk of vm.disks) {
    const choice = chooseParent(links, vm, disk);
    const mark = 'chain' in choice ? choice.chain.at(-1)?.disk.source.mark : undefined;
    if (mark !== undefined) marks.set(disk.id, mark);
  }
  return marks;
}

interface DiskRun extends Cancel {
  readonly links?: readonly ChainLink[];
  readonly board: ProgressBoard;
  readonly lease: ExportLease;
  readonly begun: BegunExport;
}

async function exportDisks(ports: ExportPorts, request: ExportRequest, o: DiskRun): Promise<readonly DiskResult[]> {
  const { lease, begun, board, links } = o;
  const { rateLimit, ...rest } = request;
  const kept = begun.continues ? await listFiles(ports.target, request.name, o) : new Map<string, never>();
  const packed = request.package === 'ova' ? await listPackage(ports, { signal: o.signal, name: request.name, kept }) : new Map<string, never>();
  const { parallel } = request;
  // One budget for all disks: what one does not need, the others may use.
  const budget = typeof rateLimit === 'number' ? ports.transfer.openBudget(rateLimit) : rateLimit;
  const share = budget === undefined ? {} : { rateLimit: budget };

  return runTogether(lease.disks, { signal: o.signal, width: widthOf(request) }, async (source, index, { signal }) => {
    using _place = typeof parallel === 'number' ? undefined : await parallel.take({ signal });
    board.update(index, 'running');
    const basis = links && { basis: await findBasis(ports, request, { signal, links, source, vm: lease.vm }) };
    const task = { source, index, lease, kept, packed, request: rest, ...share, ...basis };
    const result = await exportDisk(ports, task, { signal, onProgress: (progress) => board.update(index, 'running', progress) });
    // A disk that goes to an archive is there when the archive is.
    if (request.package !== 'ova') board.update(index, 'done');
    return result;
  });
}

interface Sought extends Cancel {
  readonly links: readonly ChainLink[];
  readonly source: ExportableDisk;
  readonly vm: VMInfo;
}

async function findBasis(ports: ExportPorts, { session }: ExportRequest, { signal, ...sought }: Sought): ReturnType<typeof openBasis> {
  const { target, transfer, inspector, signer } = ports;
  if (!inspector) throw new HyperError('internal/unexpected', 'An increment was asked for where nothing looks at images.');
  const { changedBlocks } = session.facets;
  return openBasis(
    { target, transfer, inspector, publicKey: signer.publicKey },
    { ...sought, ...(changedBlocks ? { changedBlocks } : {}) },
    { signal },
  );
}

/** Looked at again before the manifest: an increment whose parent went away is none. */
async function requireParents(target: StorageTarget, disks: readonly ExportedDisk[], o: Cancel): Promise<void> {
  const parents = new Map(disks.flatMap(({ parent }) => (parent ? [[parent.export, parent] as const] : [])));
  if (parents.size === 0) return;
  const { links } = await readLinks(target, o);
  for (const [name, { exportId }] of parents) {
    if (links.find((link) => link.name === name)?.manifest.exportId === exportId) continue;
    throw new HyperError('chain/parent-changed', `${name}, which the new export was to lie on, was replaced or taken away meanwhile.`);
  }
}

interface PackRun extends Cancel {
  readonly lease: ExportLease;
  readonly begun: BegunExport;
  readonly results: readonly DiskResult[];
}

async function packDisks(ports: ExportPorts, request: ExportRequest, o: PackRun): Promise<readonly ExportedDisk[]> {
  const { lease, begun, results } = o;
  if (request.package === undefined) return results.map(({ disk }) => disk);
  const { name, package: kind } = request;
  return await writePackage(ports, { kind, name, vm: lease.vm, disks: results, startedAt: begun.startedAt }, o);
}

function toWarnings({ disk, outcome }: DiskResult): readonly string[] {
  const { restartReason, warnings } = outcome;
  const whole = disk.fullReason === undefined ? [] : [`copied in full: ${disk.fullReason}`];
  const all = restartReason === undefined ? [...whole, ...warnings] : [...whole, `began anew: ${restartReason}`, ...warnings];
  return all.map((warning) => `${disk.label}: ${warning}`);
}
