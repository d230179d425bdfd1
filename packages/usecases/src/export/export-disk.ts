import {
  HyperError,
  type ByteRange,
  type ErrorCode,
  type ExportedDisk,
  type ImageRef,
  type Receipt,
  type ReceiptBody,
  type VerificationResult,
} from '@hypersdk/domain';
import type { Cancel, CopyOutcome, CopyProgress, ExportableDisk, ExportLease, RateBudget, StorageTarget, StoredObject, Watch } from '@hypersdk/ports';
import type { Basis } from '../chain/open-basis.ts';
import { writeDocument } from '../manifest/export-manifest.ts';
import { archiveFile } from '../package/package-files.ts';
import { checkReceipt, parseReceipt, signReceipt } from '../receipt/receipt.ts';
import { diskFile, folderOf, leavesFile, receiptFile } from './export-files.ts';
import type { ExportPorts, ExportRequest } from './export-types.ts';
import { toFileEncryption } from './file-encryption.ts';
import { allowParts, checkedParts, copiedParts, partsOf } from './image-parts.ts';

export interface DiskTask {
  readonly source: ExportableDisk;
  readonly index: number;
  readonly lease: ExportLease;
  readonly request: Omit<ExportRequest, 'rateLimit'>;
  readonly rateLimit?: RateBudget;
  /** What lay in the folder at the beginning, when it is this export's own work. */
  readonly kept: ReadonlyMap<string, StoredObject>;
  /** What lay in the archive of this export at the beginning. */
  readonly packed: ReadonlyMap<string, ByteRange>;
  /** Of an increment: what it is put upon, or why it is not one. */
  readonly basis?: Basis | { readonly reason: string };
}

export interface DiskResult {
  readonly disk: ExportedDisk;
  readonly receipt: Receipt;
  readonly outcome: CopyOutcome;
  /** What it was put upon and why, for people. */
  readonly explanation?: string;
  /** Where in the export's archive its image lies, when it is there and not in a file of its own. */
  readonly packed?: ByteRange;
}

/** Once a disk is published, its receipt is worth some waiting even for a run that was called off: without it the disk is copied again. */
const RECEIPT_TIMEOUT_MS = 10_000;

/** Copies one disk, proves it, publishes it and puts its receipt beside it; or adopts what an earlier run of this export had finished. */
export async function exportDisk(ports: ExportPorts, task: DiskTask, o: Watch<CopyProgress>): Promise<DiskResult> {
  const { encryption, volumeSize } = task.request;
  // Of an encrypted or split image the engine itself tells whether it is the one: nobody here can read it as it is.
  const finished = encryption || volumeSize !== undefined ? undefined : await findFinished(ports, task, o);
  if (finished) return finished;

  const startedAt = timeOf(ports);
  const { outcome, basis } = await copyTask(ports, task, o);
  requireOrigin(task, outcome);
  const settle = { signal: AbortSignal.timeout(RECEIPT_TIMEOUT_MS) };
  await task.lease.check(settle);
  const receipt = await signReceipt(ports.signer)(toReceiptBody(ports, { ...task, ...(basis ? { basis } : {}) }, { outcome, startedAt }), settle);
  await ports.target.put(`${task.request.name}/${receiptFile(fileOf(task))}`, writeDocument(receipt), { ...settle, ifAbsent: false });
  return { disk: toExportedDisk(task, receipt, basis), receipt, outcome, ...explain(basis) };
}

interface Copied {
  readonly outcome: CopyOutcome;
  readonly basis?: NonNullable<DiskTask['basis']>;
}

/** Copies what changed; or the whole disk, when it turns out on the way that nothing can be put upon the parent. */
async function copyTask(ports: ExportPorts, task: DiskTask, o: Watch<CopyProgress>): Promise<Copied> {
  const { basis } = task;
  const isRequired = task.request.incremental === 'required';
  if (!basis) return { outcome: await copyUpon(ports, task, { ...o, basis: undefined }) };
  if ('reason' in basis) {
    if (isRequired) throw new HyperError('chain/no-parent', `${task.source.disk.label} cannot be exported as an increment: ${basis.reason}.`);
    return { outcome: await copyUpon(ports, task, { ...o, basis: undefined }), basis };
  }
  try {
    return { outcome: await copyUpon(ports, task, { ...o, basis }), basis };
  } catch (error) {
    if (!(error instanceof HyperError) || !SPOILING.includes(error.code) || isRequired) throw error;
    const reason = error.message.replace(/\.$/, '');
    return { outcome: await copyUpon(ports, task, { ...o, basis: undefined }), basis: { reason } };
  }
}

/** The parent is not what was recorded, or the server does not know the bitmap that it was asked for. */
const SPOILING: readonly ErrorCode[] = ['chain/parent-changed', 'nbd/unsupported'];

const copyUpon = (
  ports: ExportPorts,
  task: DiskTask,
  { basis, ...o }: Watch<CopyProgress> & { readonly basis: Basis | undefined },
): Promise<CopyOutcome> =>
  ports.transfer.copy(
    {
      source: basis?.locator ?? task.source.locator,
      sourceMark: basis?.mark ?? task.source.mark,
      path: pathOf(ports.target, task),
      settings: task.request.settings,
      ...(task.request.encryption ? { encryption: task.request.encryption } : {}),
      ...(task.request.volumeSize === undefined ? {} : { volumeSize: task.request.volumeSize }),
      ...(basis ? { parent: basis.image } : {}),
      digest: 'tree',
      durability: 'sync',
      verifyPercent: task.request.verifyPercent,
      ...(task.rateLimit === undefined ? {} : { rateLimit: task.rateLimit }),
      // The journal vouches that what lies under this name is this export's own unfinished work.
      overwrite: true,
      restart: task.request.restart,
    },
    o,
  );

/** A copy of a copy has to be the same disk. */
function requireOrigin({ source, request }: DiskTask, { content }: CopyOutcome): void {
  if (!source.origin || content?.root === source.origin.content.root) return;
  throw new HyperError('verify/mismatch', `The disk ${source.disk.label} of ${request.name} did not come out as it was recorded.`);
}

const explain = (basis: DiskTask['basis']): Pick<DiskResult, 'explanation'> => (basis && 'parent' in basis ? { explanation: basis.explanation } : {});

/** A disk that an earlier run published: its receipt is ours and names this mark and format, and the file still reads as it says. */
async function findFinished(ports: ExportPorts, task: DiskTask, o: Watch<CopyProgress>): Promise<DiskResult | undefined> {
  const receipt = await findReceipt(ports, task, o);
  if (!receipt) return undefined;
  const { content, container } = receipt.body;
  const packed = task.packed.get(fileOf(task));
  const slice = packed ? { slice: { offset: packed.offset, length: packed.length } } : {};
  const path = packed ? `${folderOf(ports.target)}/${task.request.name}/${archiveFile(task.request.name)}` : pathOf(ports.target, task);
  const upon = basisOf(task);
  const known = { home: `${folderOf(ports.target)}/${task.request.name}/`, ...(container.parts ? { parts: container.parts } : {}) };
  const references = upon ? { listed: [upon.image.image.path, ...listedBy(upon.image.image)] } : allowParts(known);
  const image: ImageRef = { path, ...slice, format: container.format, references };
  const leavesPath = leavesFile(pathOf(ports.target, task));
  const request = {
    source: { kind: 'image', image },
    expected: content,
    leavesPath,
    container: { path, ...slice, digest: container.digest, ...checkedParts(known) },
    ...(upon ? { parent: upon.image } : {}),
    percent: task.request.verifyPercent,
  } as const;
  const answer = await ports.transfer.verify(request, o);
  if (answer.result === 'different') return undefined;

  const { virtualSize } = content;
  const outcome: CopyOutcome = {
    path,
    virtualSize,
    fileSize: container.size,
    content,
    containerDigest: container.digest,
    ...copiedParts(known),
    leavesPath,
    leavesChecked: answer.leavesChecked,
    dataRead: 0,
    resumedAt: virtualSize,
    warnings: [],
  };
  return { disk: toExportedDisk(task, receipt, task.basis), receipt, outcome, ...explain(task.basis), ...(packed ? { packed } : {}) };
}

const basisOf = ({ basis }: DiskTask): Basis | undefined => (basis && 'parent' in basis ? basis : undefined);

const listedBy = ({ references }: ImageRef): readonly string[] => (typeof references === 'object' ? references.listed : []);

async function findReceipt(ports: ExportPorts, task: DiskTask, o: Cancel): Promise<Receipt | undefined> {
  const file = fileOf(task);
  const size = task.packed.get(file)?.length ?? task.kept.get(file)?.size;
  if (size === undefined || !task.kept.has(leavesFile(file)) || !task.kept.has(receiptFile(file))) return undefined;
  const receipt = await readReceipt(ports.target, `${task.request.name}/${receiptFile(file)}`, o);
  if (!receipt || !checkReceipt(receipt, ports.signer.publicKey)) return undefined;
  const { source, container, content, parent, verification } = receipt.body;
  const upon = basisOf(task)?.parent;
  const isSame =
    parent?.root === upon?.root &&
    parent?.containerDigest === upon?.containerDigest &&
    source.mark === (task.source.origin ?? task.source).mark &&
    source.disk === task.source.disk.id &&
    container.file === file &&
    container.format === task.request.settings.format &&
    container.size === size &&
    (container.parts ?? []).every((part) => task.kept.get(part.file)?.size === part.size) &&
    content.virtualSize === task.source.disk.virtualSize &&
    verification.percent >= task.request.verifyPercent;
  return isSame ? receipt : undefined;
}

/** A receipt that cannot be read is as good as none here: the disk is copied again. */
async function readReceipt(target: StorageTarget, name: string, o: Cancel): Promise<Receipt | undefined> {
  try {
    return parseReceipt(await target.get(name, o));
  } catch (error) {
    if (error instanceof HyperError && (error.code === 'receipt/malformed' || error.code === 'source/not-found')) return undefined;
    throw error;
  }
}

function toReceiptBody(ports: ExportPorts, task: DiskTask, run: { readonly outcome: CopyOutcome; readonly startedAt: string }): ReceiptBody {
  const { lease, source, request } = task;
  const { content, containerDigest, fileSize, leavesChecked } = run.outcome;
  if (!content || containerDigest === undefined) throw new HyperError('internal/unexpected', 'A copy with proof came back without its digests.');
  const { provider, connection, id } = lease.vm;
  const parent = basisOf(task)?.parent;
  return {
    kind: 'hypersdk.receipt',
    version: 1,
    tool: ports.tool,
    source: { provider, connection, vm: id, disk: source.disk.id, mark: (source.origin ?? source).mark, consistency: lease.consistency },
    startedAt: run.startedAt,
    finishedAt: timeOf(ports),
    content,
    container: {
      file: fileOf(task),
      format: request.settings.format,
      ...toFileEncryption(request.encryption),
      size: fileSize,
      digest: containerDigest,
      ...partsOf(run.outcome),
    },
    ...(parent ? { parent: { root: parent.root, containerDigest: parent.containerDigest } } : {}),
    verification: toVerification(request.verifyPercent, leavesChecked),
  };
}

export const toVerification = (percent: number, leavesChecked: number): VerificationResult => ({
  mode: percent === 100 ? 'full' : 'sample',
  percent,
  leavesChecked,
  result: 'equal',
});

function toExportedDisk({ source, request }: DiskTask, { body }: Receipt, basis: DiskTask['basis']): ExportedDisk {
  const { container, content } = body;
  const { subformat } = request.settings;
  return {
    id: source.disk.id,
    label: source.disk.label,
    file: container.file,
    leaves: leavesFile(container.file),
    format: container.format,
    ...(subformat === undefined ? {} : { subformat }),
    ...(container.encryption ? { encryption: container.encryption } : {}),
    fileSize: container.size,
    containerDigest: container.digest,
    ...(container.parts ? { parts: container.parts } : {}),
    content,
    source: {
      location: source.origin?.location ?? source.disk.location,
      mark: body.source.mark,
      ...(source.disk.format === undefined ? {} : { format: source.disk.format }),
    },
    ...describeBasis(basis),
  };
}

function describeBasis(basis: DiskTask['basis']): Pick<ExportedDisk, 'parent' | 'changesBy' | 'fullReason'> {
  if (!basis) return {};
  return 'parent' in basis ? { parent: basis.parent, changesBy: basis.changesBy } : { fullReason: basis.reason };
}

const timeOf = (ports: Pick<ExportPorts, 'clock'>): string => new Date(ports.clock.now()).toISOString();
const fileOf = ({ index, request }: DiskTask): string => diskFile(index, request);
const pathOf = (target: StorageTarget, task: DiskTask): string => `${folderOf(target)}/${task.request.name}/${fileOf(task)}`;
