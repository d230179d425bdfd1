import { HyperError, type ContentDigest } from '@hypersdk/domain';
import type { CopyProgress, DecryptionKeys, ImageInspector, StorageTarget, Transfer, VerifyOutcome, VerifyRequest, Watch } from '@hypersdk/ports';
import { folderOf } from '../export/export-files.ts';
import { allowParts, checkedParts } from '../export/image-parts.ts';
import type { Finding } from '../finding.ts';
import type { ExpectedDisk } from './expected-disk.ts';

interface Ports {
  readonly transfer: Pick<Transfer, 'verify'>;
  readonly inspector: ImageInspector;
  readonly target: StorageTarget;
}

interface DiskToVerify {
  readonly disk: ExpectedDisk;
  /** Name of the folder in the target, with its slash; empty for the target itself. */
  readonly folder: string;
  readonly percent: number;
  /** Opens what is encrypted. */
  readonly keys?: DecryptionKeys;
  /** What the image lies on, looked at before it: the one that it names, and the paths of all. */
  readonly below?: { readonly content: ContentDigest; readonly leavesPath: string; readonly listed: readonly string[] };
}

/** Reads one image back. An image that is missing or no longer readable as its format is different, and the finding says so. */
export async function verifyDisk(
  ports: Ports,
  { disk, folder, percent, below, keys }: DiskToVerify,
  o: Watch<CopyProgress>,
): Promise<{ readonly outcome: VerifyOutcome; readonly findings: readonly Finding[] }> {
  const home = `${folderOf(ports.target)}/${folder}`;
  // A disk in an archive is named as if the archive were a folder.
  const path = disk.package === undefined ? `${home}${disk.file}` : `${home}${disk.package}/${disk.file}`;
  try {
    const image = await ports.inspector.refer(path, {
      signal: o.signal,
      format: disk.format,
      references: below ? { listed: below.listed } : allowParts({ ...disk, home }),
      ...(keys ? { keys } : {}),
    });
    const content: VerifyRequest = {
      source: { kind: 'image', image },
      expected: disk.content,
      percent,
      leavesPath: `${home}${disk.leaves}`,
      ...(below ? { parent: { content: below.content, leavesPath: below.leavesPath } } : {}),
    };
    const whole = await ports.transfer.verify(
      {
        ...content,
        container: {
          path: image.path,
          ...(image.slice ? { slice: image.slice } : {}),
          digest: disk.containerDigest,
          ...checkedParts({ ...disk, home }),
        },
      },
      o,
    );
    const notes: readonly Finding[] = whole.leavesMissing
      ? [{ severity: 'note', summary: `${disk.leaves} is missing: damage can be noticed but not located.`, path: disk.leaves }]
      : [];
    const outcome = whole.leavesMissing ? whole : await locate(ports.transfer, { content, whole }, o);
    return { outcome, findings: outcome.result === 'equal' ? notes : [describeDifference(disk.file, outcome), ...notes] };
  } catch (error) {
    if (!isDamage(error)) throw error;
    const outcome: VerifyOutcome = { result: 'different', leavesChecked: 0, what: error.message };
    return { outcome, findings: [describeDifference(disk.file, outcome)] };
  }
}

interface Damage {
  readonly content: VerifyRequest;
  readonly whole: VerifyOutcome;
}

/** Where only the digest of the whole file was found to differ, the content is read once more for the leaf; damage outside of it has none. */
async function locate(transfer: Ports['transfer'], { content, whole }: Damage, o: Watch<CopyProgress>): Promise<VerifyOutcome> {
  if (whole.result === 'equal' || whole.leaf !== undefined) return whole;
  const seen = await transfer.verify({ ...content, percent: 100 }, o);
  return seen.result === 'different' && seen.leaf !== undefined ? seen : whole;
}

type Different = VerifyOutcome & { readonly result: 'different' };

/** Names the leaf and its bytes: `bytes 8388608 to 12582911 (leaf 2)`. */
export function describeDifference(file: string, { leaf, offset, length, what }: Different): Finding {
  const place =
    offset === undefined || length === undefined ? '' : ` at bytes ${offset} to ${offset + length - 1}${leaf === undefined ? '' : ` (leaf ${leaf})`}`;
  return { severity: 'error', summary: `${file} is not what was exported${place}.`, detail: what, path: file };
}

const DAMAGED: ReadonlySet<string> = new Set(['encryption/damaged', 'encryption/malformed']);

/** What the image itself is to blame for; trouble in reaching it is not an answer about it. */
const isDamage = (error: unknown): error is HyperError =>
  error instanceof HyperError &&
  (error.code.startsWith('image/') || error.code.startsWith('archive/') || DAMAGED.has(error.code) || error.code === 'source/not-found');
