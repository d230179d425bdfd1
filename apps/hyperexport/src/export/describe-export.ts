import { formatBytes, sizeOfAll, type BootRecord } from '@hypersdk/domain';
import type { ExportOutcome } from '@hypersdk/usecases';
import { describeBootVerdict } from '../boot/describe-boot-verdict.ts';
import { describeReadBack } from '../output/describe-read-back.ts';
import { shellWord } from '../output/shell-word.ts';
import { printable } from '../output/printable.ts';
import { formatFields } from '../output/table.ts';
import { formatDuration, formatSpeed } from '../progress/format-progress.ts';
import type { Terminal } from '../terminal.ts';
import { describeConsistency } from './describe-consistency.ts';

/** One VM's export as it ended. */
export interface FinishedExport {
  readonly outcome: ExportOutcome;
  /** Where it lies, absolute. */
  readonly folder: string;
  readonly elapsedMs: number;
  readonly publicKeyPath: string;
  /** With `--boot-proof`: whether the copy boots. */
  readonly boot?: BootRecord;
}

export type Paint = Pick<Terminal, 'paint'>;

/** What a person wants to know at the end: what, where, how much, how fast, by what it is proven, and how to prove it again. */
export function describeExport(finished: FinishedExport, terminal: Paint): string {
  const { outcome, folder, elapsedMs, publicKeyPath, boot } = finished;
  const { manifest } = outcome;
  const dataRead = outcome.disks.reduce((sum, disk) => sum + disk.dataRead, 0);
  const head = `${terminal.paint('green', terminal.paint('bold', printable(manifest.vm.name)))}: exported and proven\n`;
  const disks = manifest.disks.flatMap((disk): (readonly [string, string])[] => [
    [disk.label, `${disk.file}: ${formatBytes(disk.content.virtualSize)} disk in ${formatBytes(sizeOfAll(disk))}`],
    ['  root', disk.content.root],
    ...(disk.parent ? [['  lies on', `${disk.parent.export}/${disk.parent.file}`] as const] : []),
  ]);
  const archive = manifest.disks[0]?.package;
  const consistency = describeConsistency(manifest);
  const resumed = outcome.disks.reduce((sum, disk) => sum + disk.resumedAt, 0);
  return (
    head +
    formatFields([
      ['folder', folder],
      ...(archive === undefined ? [] : [['archive', archive] as const]),
      ...disks,
      ...(resumed > 0 ? [['went on at', formatBytes(resumed)] as const] : []),
      [
        'data',
        `${formatBytes(dataRead)} in ${formatDuration(elapsedMs)} (${formatSpeed((dataRead / Math.max(1, elapsedMs)) * 1000)}, read-back included)`,
      ],
      ['read back', describeProof(outcome)],
      ...(consistency === undefined ? [] : [['content', consistency] as const]),
      ['signed by', outcome.receipts[0]?.signature.keyId ?? 'nobody'],
      ['public key', publicKeyPath],
      ...(boot === undefined ? [] : [['boot', describeBootVerdict(boot.verdict)] as const]),
      ['verify', `hyperexport verify ${shellWord(folder)}`],
      ...outcome.explanations.map((explanation) => ['increment', explanation] as const),
      ...outcome.warnings.map((warning) => ['warning', warning] as const),
    ])
  );
}

/** The same for programs. */
export const toExportDocument = ({ outcome, folder, elapsedMs, publicKeyPath, boot }: FinishedExport): unknown => ({
  vm: { id: outcome.manifest.vm.id, name: outcome.manifest.vm.name },
  exportId: outcome.manifest.exportId,
  folder,
  manifest: `${folder}/${outcome.manifestName.split('/').at(-1)}`,
  elapsedMs: Math.round(elapsedMs),
  disks: outcome.manifest.disks.map((disk, at) => ({
    id: disk.id,
    label: disk.label,
    // A disk in an archive is named as if the archive were a folder, which every command understands.
    path: [folder, disk.package, disk.file].filter((part) => part !== undefined).join('/'),
    format: disk.format,
    virtualSize: disk.content.virtualSize,
    fileSize: disk.fileSize,
    root: disk.content.root,
    parent: disk.parent,
    changesBy: disk.changesBy,
    fullReason: disk.fullReason,
    containerDigest: disk.containerDigest,
    parts: disk.parts?.map(({ file, size, digest }) => ({ path: `${folder}/${file}`, fileSize: size, containerDigest: digest })),
    dataRead: outcome.disks[at]?.dataRead,
    resumedAt: outcome.disks[at]?.resumedAt,
    receipt: outcome.manifest.receipts[at] === undefined ? undefined : `${folder}/${outcome.manifest.receipts[at]}`,
    verification: outcome.receipts[at]?.body.verification,
  })),
  signerKeyId: outcome.receipts[0]?.signature.keyId,
  publicKey: publicKeyPath,
  boot,
  mode: outcome.manifest.mode,
  consistency: outcome.manifest.consistency,
  explanations: outcome.explanations,
  warnings: outcome.warnings,
});

function describeProof(outcome: ExportOutcome): string {
  const checked = outcome.receipts.reduce((sum, receipt) => sum + receipt.body.verification.leavesChecked, 0);
  const percent = outcome.receipts[0]?.body.verification.percent ?? 0;
  return describeReadBack(percent, checked);
}
