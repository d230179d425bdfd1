import { basename, dirname } from 'node:path';
import { formatBytes, sizeOfAll } from '@hypersdk/domain';
import type { ConvertOutcome } from '@hypersdk/usecases';
import { printable } from '../output/printable.ts';
import { describeReadBack } from '../output/describe-read-back.ts';
import { shellWord } from '../output/shell-word.ts';
import { formatFields } from '../output/table.ts';
import { formatDuration, formatSpeed } from '../progress/format-progress.ts';
import type { Terminal } from '../terminal.ts';

/** A conversion as it ended. */
export interface FinishedConvert {
  readonly source: { readonly path: string; readonly format: string };
  readonly target: string;
  readonly outcome: ConvertOutcome;
  readonly elapsedMs: number;
  readonly publicKeyPath: string;
}

type Paint = Pick<Terminal, 'paint'>;

export const toConvertDocument = ({ source, target, outcome, elapsedMs, publicKeyPath }: FinishedConvert): unknown => ({
  source: { path: source.path, format: source.format },
  path: target,
  virtualSize: outcome.copy.virtualSize,
  fileSize: outcome.copy.fileSize,
  dataRead: outcome.copy.dataRead,
  resumedAt: outcome.copy.resumedAt,
  root: outcome.copy.content?.root,
  containerDigest: outcome.copy.containerDigest,
  parts: outcome.copy.parts,
  leavesChecked: outcome.copy.leavesChecked,
  receipt: outcome.receiptName === undefined ? undefined : `${dirname(target)}/${outcome.receiptName}`,
  signerKeyId: outcome.receipt?.signature.keyId,
  publicKey: outcome.receipt === undefined ? undefined : publicKeyPath,
  warnings: outcome.copy.warnings,
  elapsedMs: Math.round(elapsedMs),
});

export function describeConvert(finished: FinishedConvert, terminal: Paint): string {
  const { source, target, elapsedMs, publicKeyPath } = finished;
  const { copy, receipt, receiptName } = finished.outcome;
  const proof = receipt
    ? ([
        ['root', copy.content?.root ?? ''],
        ['read back', describeReadBack(receipt.body.verification.percent, copy.leavesChecked)],
        ['signed by', receipt.signature.keyId],
        ['public key', publicKeyPath],
        ['verify', `hyperexport verify ${shellWord(`${dirname(target)}/${receiptName ?? ''}`)}`],
      ] as const)
    : ([['proof', 'none was asked for']] as const);
  return (
    `${terminal.paint('green', terminal.paint('bold', printable(basename(target))))}: ${receipt ? 'converted and proven' : 'converted'}\n` +
    formatFields([
      ['from', `${source.path} (${source.format})`],
      ['to', target],
      ['size', `${formatBytes(copy.virtualSize)} disk in ${formatBytes(sizeOfAll(copy))}`],
      ...(copy.resumedAt > 0 ? [['went on at', formatBytes(copy.resumedAt)] as const] : []),
      [
        'data',
        `${formatBytes(copy.dataRead)} in ${formatDuration(elapsedMs)} (${formatSpeed((copy.dataRead / Math.max(1, elapsedMs)) * 1000)}, all stages included)`,
      ],
      ...proof,
      ...copy.warnings.map((warning) => ['warning', warning] as const),
    ])
  );
}
