import type { CopyProgress, Watch } from '@hypersdk/ports';
import { chainOf, type ChainLink, type LinkedDisk } from '../chain/chain-link.ts';
import { leavesOfDisk, pathOfDisk } from '../chain/link-image.ts';
import type { Finding } from '../finding.ts';
import { fromManifest } from './expected-disk.ts';
import { judgeReceipt } from './judge-receipt.ts';
import { verifyDisk } from './verify-disk.ts';
import type { VerifiedDisk, VerifyPorts } from './verify-export.ts';

interface LinksToVerify {
  readonly links: readonly ChainLink[];
  readonly head: LinkedDisk;
  readonly publicKey?: string;
  readonly percent: number;
}

export interface VerifiedLinks {
  readonly disks: readonly VerifiedDisk[];
  readonly findings: readonly Finding[];
}

/**
 * Verifies a disk link by link, the full one first. Of each link only what it holds itself is read: what lies below was just proven. The first link that is
 * wrong ends it, for nothing above can be told from it.
 */
export async function verifyLinks(
  ports: VerifyPorts,
  request: LinksToVerify,
  o: Watch<CopyProgress> & { readonly onFile: (file: string) => void },
): Promise<VerifiedLinks> {
  const { links, head, percent } = request;
  const chain = chainOf(links, head);
  if ('broken' in chain)
    return { disks: [], findings: [{ severity: 'error', summary: `The chain is broken: ${chain.broken}.`, path: `${chain.at}/` }] };
  const disks: VerifiedDisk[] = [];
  const findings: Finding[] = [];
  const listed: string[] = [];
  let lower: LinkedDisk | undefined;
  for (const linked of chain.disks) {
    const { link, disk } = linked;
    const folder = `${link.name}/`;
    const file = `${folder}${disk.file}`;
    o.onFile(file);
    const found = await fromManifest(link.manifest, { target: ports.target, folder, signal: o.signal });
    const expected = found.find((one) => one.file === disk.file);
    if (!expected) break;
    const below = lower && { content: lower.disk.content, leavesPath: leavesOfDisk(ports.target, lower), listed: [...listed] };
    const verified = await verifyDisk(ports, { disk: expected, folder, percent, ...(below ? { below } : {}) }, o);
    const receipt = judgeReceipt({ receipt: expected.receipt, file }, request.publicKey);
    disks.push({ file, outcome: verified.outcome, receipt: receipt.state });
    findings.push(...verified.findings.map((finding) => ({ ...finding, path: file })), ...receipt.findings);
    if (verified.outcome.result === 'different') {
      findings.push({ severity: 'error', summary: `The chain is broken at ${link.name}: what lies on it cannot be restored.`, path: file });
      break;
    }
    listed.push(pathOfDisk(ports.target, linked));
    lower = linked;
  }
  return { disks, findings };
}
