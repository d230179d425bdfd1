import { HyperError, type ExportManifest } from '@hypersdk/domain';
import type { Cancel, CopyProgress, DecryptionKeys, ImageInspector, StorageTarget, Transfer, VerifyOutcome, Watch } from '@hypersdk/ports';
import type { ChainLink } from '../chain/chain-link.ts';
import { readLinks } from '../chain/read-links.ts';
import { folderOf } from '../export/export-files.ts';
import type { Finding } from '../finding.ts';
import { parseExportManifest } from '../manifest/export-manifest.ts';
import { fromManifest, fromReceipt } from './expected-disk.ts';
import { parseReceipt } from '../receipt/receipt.ts';
import { judgeReceipt, type ReceiptState } from './judge-receipt.ts';
import { readDocument } from './read-document.ts';
import { verifyDisk } from './verify-disk.ts';
import { verifyLinks, type VerifiedLinks } from './verify-links.ts';

export interface VerifyPorts {
  readonly transfer: Pick<Transfer, 'verify'>;
  readonly inspector: ImageInspector;
  readonly target: StorageTarget;
}

/** Names of objects in the target. */
export type VerifySubject = { readonly manifest: string } | { readonly receipt: string };

export type VerifyExportRequest = VerifySubject & {
  /** PEM of the exporter's public key; without it no signature is checked. */
  readonly publicKey?: string;
  /** Percentage of leaves to read, 1–100. */
  readonly percent: number;
  /** Opens what is encrypted. */
  readonly keys?: DecryptionKeys;
};

export interface VerifiedDisk {
  readonly file: string;
  readonly outcome: VerifyOutcome;
  readonly receipt: ReceiptState;
}

export interface VerifyReport {
  /** Every disk is equal and no finding is an error. */
  readonly ok: boolean;
  readonly manifest?: ExportManifest;
  readonly disks: readonly VerifiedDisk[];
  readonly findings: readonly Finding[];
}

export interface VerifyProgress {
  readonly file: string;
  /** Disks are verified one after another. */
  readonly index: number;
  readonly count: number;
  readonly progress: CopyProgress;
}

/** Reads an export back and compares it with what its manifest or receipt says. Damage is an answer, not an exception; a document that cannot be read is one. */
export const verifyExport =
  (ports: VerifyPorts) =>
  async (request: VerifyExportRequest, o: Watch<VerifyProgress>): Promise<VerifyReport> => {
    if (!(request.percent >= 1 && request.percent <= 100)) throw new HyperError('usage/invalid', 'The percentage to verify lies between 1 and 100.');
    folderOf(ports.target);
    const name = 'manifest' in request ? request.manifest : request.receipt;
    const bytes = await readDocument(ports.target, name, o);
    const manifest = 'manifest' in request ? parseExportManifest(bytes) : undefined;
    const folder = name.slice(0, name.lastIndexOf('/') + 1);
    const expected = manifest ? await fromManifest(manifest, { target: ports.target, folder, signal: o.signal }) : [fromReceipt(parseReceipt(bytes))];

    const disks: VerifiedDisk[] = [];
    const findings: Finding[] = [];
    const links = manifest?.mode === 'incremental' ? (await readLinks(ports.target, o)).links : [];
    for (const [index, disk] of expected.entries()) {
      const tell = (file: string) => (progress: CopyProgress) => o.onProgress?.({ file, index, count: expected.length, progress });
      if (disk.parent) {
        const chain = await verifyChain(ports, { ...request, links, folder, file: disk.file }, { signal: o.signal, tell });
        disks.push(...chain.disks);
        findings.push(...chain.findings);
        continue;
      }
      const receipt = judgeReceipt(disk, request.publicKey);
      const keys = request.keys ? { keys: request.keys } : {};
      const verified = await verifyDisk(
        ports,
        { disk, folder, percent: request.percent, ...keys },
        { signal: o.signal, onProgress: tell(disk.file) },
      );
      disks.push({ file: disk.file, outcome: verified.outcome, receipt: receipt.state });
      findings.push(...verified.findings, ...receipt.findings);
    }
    const ok = findings.every(({ severity }) => severity !== 'error');
    return { ok, ...(manifest === undefined ? {} : { manifest }), disks, findings };
  };

interface ChainRequest {
  readonly links: readonly ChainLink[];
  readonly folder: string;
  readonly file: string;
  readonly publicKey?: string;
  readonly percent: number;
}

async function verifyChain(
  ports: VerifyPorts,
  { links, folder, file, ...choices }: ChainRequest,
  o: Cancel & { readonly tell: (file: string) => (progress: CopyProgress) => void },
): Promise<VerifiedLinks> {
  const link = links.find(({ name }) => `${name}/` === folder);
  const disk = link?.manifest.disks.find((one) => one.file === file);
  if (!link || !disk) throw new HyperError('usage/invalid', 'A link of a chain is verified from the folder that holds all of its links.');
  let current = `${folder}${file}`;
  return verifyLinks(
    ports,
    { ...choices, links, head: { link, disk } },
    {
      signal: o.signal,
      onFile: (next) => {
        current = next;
      },
      onProgress: (progress) => o.tell(current)(progress),
    },
  );
}
