import { HyperError, type ImageRef, type Receipt, type ReceiptBody } from '@hypersdk/domain';
import type {
  BlockLocator,
  Cancel,
  Clock,
  CopyOutcome,
  CopyProgress,
  CopyRequest,
  Encryption,
  HttpLocator,
  ImageInspector,
  ImageSettings,
  NbdLocator,
  RemoteDisks,
  Signer,
  StorageTarget,
  Transfer,
  Watch,
} from '@hypersdk/ports';
import { toVerification } from '../export/export-disk.ts';
import { folderOf, receiptFile } from '../export/export-files.ts';
import { toSafeName } from '../export/export-name.ts';
import { toFileEncryption } from '../export/file-encryption.ts';
import { partsOf } from '../export/image-parts.ts';
import { writeDocument } from '../manifest/export-manifest.ts';
import { signReceipt } from '../receipt/receipt.ts';

export interface ConvertPorts {
  readonly transfer: Transfer;
  readonly inspector: ImageInspector;
  readonly remotes: Pick<RemoteDisks, 'mark'>;
  readonly signer: Signer;
  readonly clock: Clock;
  /** The folder that the image is written to, for its receipt. */
  readonly target: StorageTarget;
  readonly tool: { readonly name: string; readonly version: string };
}

export interface ConvertRequest {
  /** An image, on a web server too, or an export of a server. */
  readonly source: ImageRef | NbdLocator | HttpLocator;
  /** Of the new image, directly in the target's folder. */
  readonly path: string;
  readonly settings: ImageSettings;
  /** Splits the new image into volumes of so many bytes; `path` is then that of the first and ends in `.001`. */
  readonly volumeSize?: number;
  /** Encrypts the new image before it touches the target. */
  readonly encryption?: Encryption;
  readonly digest: 'tree' | 'none';
  /** `sync` by default. */
  readonly durability?: 'sync' | 'none';
  /** `throughput` by default. */
  readonly effort?: 'throughput' | 'economy';
  readonly verifyPercent: number;
  readonly rateLimit?: NonNullable<CopyRequest['rateLimit']>;
  readonly overwrite: boolean;
  readonly restart: boolean;
  /** Whether a signed receipt is put beside the image; needs `digest: 'tree'`. */
  readonly receipt: boolean;
}

export interface ConvertOutcome {
  readonly copy: CopyOutcome;
  readonly receipt?: Receipt;
  /** Name of the receipt in the target. */
  readonly receiptName?: string;
}

/** Writes an image anew in another format or with other settings. The same request after a crash goes on where it stopped. */
export const convertImage =
  (ports: ConvertPorts) =>
  async (request: ConvertRequest, o: Watch<CopyProgress>): Promise<ConvertOutcome> => {
    if (request.receipt && request.digest === 'none') throw new HyperError('usage/invalid', 'A receipt needs digests: nothing else proves the copy.');
    const file = fileOf(ports, request);
    const receiptName = receiptOf(file);
    if (request.receipt && !request.overwrite) await refuseOldReceipt(ports, receiptName, o);
    const startedAt = timeOf(ports);
    const mark = await markOf(ports, request.source, o);
    const { source, receipt: wantsReceipt, durability = 'sync', ...choices } = request;
    const copy = await ports.transfer.copy({ ...choices, durability, source: toLocator(source), sourceMark: mark }, o);
    if (!wantsReceipt) {
      // A receipt of the image that was replaced would only mislead.
      if (request.overwrite) await ports.target.delete(receiptName, o);
      return { copy };
    }
    // An export that came back as another one was noticed while it was read; more than that nobody can know of it.
    if (!isRemote(source)) await checkMark(ports, { source, mark }, o);
    const receipt = await signReceipt(ports.signer)(toReceiptBody(ports, request, { copy, file, mark, startedAt }), o);
    await ports.target.put(receiptName, writeDocument(receipt), { signal: o.signal, ifAbsent: !request.overwrite });
    return { copy, receipt, receiptName };
  };

/** Said before the disk is read: found out only at the end, the new image would lie there beside the receipt of another. */
async function refuseOldReceipt({ target }: ConvertPorts, receiptName: string, o: Cancel): Promise<void> {
  for await (const { name } of target.list(receiptName, o)) {
    if (name !== receiptName) return;
    const path = `${folderOf(target)}/${receiptName}`;
    throw new HyperError('target/exists', `${path} exists already: the receipt of an earlier conversion.`, { detail: { path } });
  }
}

const isRemote = (source: ConvertRequest['source']): source is NbdLocator | HttpLocator => 'kind' in source;

/** What the content of a source is known by. */
export async function markOf(ports: Pick<ConvertPorts, 'inspector' | 'remotes'>, source: ConvertRequest['source'], o: Cancel): Promise<string> {
  if (!isRemote(source)) return ports.inspector.mark(source, o);
  return source.kind === 'http' ? source.mark : ports.remotes.mark(source);
}

export const toLocator = (source: ConvertRequest['source']): BlockLocator => (isRemote(source) ? source : { kind: 'image', image: source });

/** Leaves room for the ending within the 128 characters of a name. */
const RECEIPT_STEM_MAX = 100;

/** Name of the receipt that lies beside a converted image of this name. */
export const receiptOf = (file: string): string => receiptFile(toSafeName(file, RECEIPT_STEM_MAX));

const timeOf = ({ clock }: ConvertPorts): string => new Date(clock.now()).toISOString();

function fileOf(ports: ConvertPorts, { path }: ConvertRequest): string {
  const slash = path.lastIndexOf('/');
  if (slash >= 0 && (path.slice(0, slash) || '/') === folderOf(ports.target) && slash < path.length - 1) return path.slice(slash + 1);
  throw new HyperError('internal/unexpected', 'The image does not lie in the folder that its receipt goes to.');
}

async function checkMark(ports: ConvertPorts, { source, mark }: { readonly source: ImageRef; readonly mark: string }, o: Cancel): Promise<void> {
  if ((await ports.inspector.mark(source, o)) === mark) return;
  throw new HyperError('source/changed', `${source.path} was written while it was read.`);
}

interface ConvertRun {
  readonly copy: CopyOutcome;
  readonly file: string;
  readonly mark: string;
  readonly startedAt: string;
}

function toReceiptBody(ports: ConvertPorts, request: ConvertRequest, { copy, file, mark, startedAt }: ConvertRun): ReceiptBody {
  const { content, containerDigest, fileSize, leavesChecked } = copy;
  if (!content || containerDigest === undefined) throw new HyperError('internal/unexpected', 'A copy with proof came back without its digests.');
  return {
    kind: 'hypersdk.receipt',
    version: 1,
    tool: ports.tool,
    source: { ...describeSource(request.source), mark, consistency: 'crash' },
    startedAt,
    finishedAt: timeOf(ports),
    content,
    container: {
      file,
      format: request.settings.format,
      ...toFileEncryption(request.encryption),
      size: fileSize,
      digest: containerDigest,
      ...partsOf(copy),
    },
    verification: toVerification(request.verifyPercent, leavesChecked),
  };
}

/** The source of a conversion, a file or an export, stands for the VM and for its disk. */
function describeSource(source: ConvertRequest['source']): Pick<ReceiptBody['source'], 'provider' | 'connection' | 'vm' | 'disk'> {
  if (isRemote(source)) {
    if (source.kind === 'http') return { provider: 'http', connection: new URL(source.shown).origin, vm: source.shown, disk: source.shown };
    const { server, exportName } = source;
    const disk = exportName === '' ? 'default' : exportName;
    return { provider: 'nbd', connection: 'path' in server ? server.path : `${server.host}:${server.port}`, vm: disk, disk };
  }
  const { path } = source;
  return { provider: 'files', connection: path.slice(0, path.lastIndexOf('/')), vm: path, disk: path };
}
