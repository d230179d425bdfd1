import {
  HyperError,
  type ContentDigest,
  type DiskParent,
  type ExportedDisk,
  type ExportManifest,
  type ImageFormat,
  type ImagePart,
  type Receipt,
  type Sha256,
} from '@hypersdk/domain';
import type { Cancel, StorageTarget } from '@hypersdk/ports';
import { leavesFile } from '../export/export-files.ts';
import { parseReceipt } from '../receipt/receipt.ts';
import { readDocument } from './read-document.ts';

/** What a document says of one image file beside it. */
export interface ExpectedDisk {
  readonly file: string;
  /** The archive that holds the file. */
  readonly package?: string;
  readonly leaves: string;
  readonly format: ImageFormat;
  readonly fileSize: number;
  readonly containerDigest: Sha256;
  /** The files beside it, when the image is not one file. */
  readonly parts?: readonly ImagePart[];
  readonly content: ContentDigest;
  /** What it lies on, when it is the link of a chain. */
  readonly parent?: DiskParent;
  /** `unreadable`: there is something in its place that is no receipt. */
  readonly receipt: Receipt | 'absent' | 'unreadable';
}

export const fromReceipt = (receipt: Receipt): ExpectedDisk => {
  const { container, content } = receipt.body;
  return {
    file: container.file,
    leaves: leavesFile(container.file),
    format: container.format,
    fileSize: container.size,
    containerDigest: container.digest,
    ...(container.parts ? { parts: container.parts } : {}),
    content,
    receipt,
  };
};

export async function fromManifest(
  manifest: ExportManifest,
  o: Cancel & { readonly target: StorageTarget; readonly folder: string },
): Promise<readonly ExpectedDisk[]> {
  const expected: ExpectedDisk[] = [];
  for (const [index, disk] of manifest.disks.entries()) {
    const { file, leaves, format, fileSize, containerDigest, content } = disk;
    const receipt = await findReceipt(`${o.folder}${manifest.receipts[index] ?? ''}`, o);
    const packed = disk.package === undefined ? {} : { package: disk.package };
    expected.push({
      file,
      ...packed,
      leaves,
      format,
      fileSize,
      containerDigest,
      ...(disk.parts ? { parts: disk.parts } : {}),
      content,
      ...(disk.parent ? { parent: disk.parent } : {}),
      receipt: isReceipt(receipt) ? speaksOf(receipt, disk) : receipt,
    });
  }
  return expected;
}

const isReceipt = (receipt: ExpectedDisk['receipt']): receipt is Receipt => typeof receipt === 'object';

async function findReceipt(name: string, o: Cancel & { readonly target: StorageTarget }): Promise<ExpectedDisk['receipt']> {
  try {
    return parseReceipt(await readDocument(o.target, name, o));
  } catch (error) {
    if (!(error instanceof HyperError)) throw error;
    if (error.code === 'source/not-found') return 'absent';
    if (error.code === 'receipt/malformed' || error.code === 'manifest/malformed') return 'unreadable';
    throw error;
  }
}

/** A good receipt of another disk proves nothing of this one. */
function speaksOf(receipt: Receipt, disk: ExportedDisk): ExpectedDisk['receipt'] {
  const { container, content, source } = receipt.body;
  const isSame =
    container.file === disk.file &&
    container.format === disk.format &&
    container.size === disk.fileSize &&
    container.digest === disk.containerDigest &&
    JSON.stringify(container.parts) === JSON.stringify(disk.parts) &&
    content.root === disk.content.root &&
    content.virtualSize === disk.content.virtualSize &&
    content.leafSize === disk.content.leafSize &&
    source.disk === disk.id &&
    source.mark === disk.source.mark &&
    receipt.body.parent?.root === disk.parent?.root &&
    receipt.body.parent?.containerDigest === disk.parent?.containerDigest;
  return isSame ? receipt : 'unreadable';
}
