import { HyperError } from '@hypersdk/domain';
import type { BlockLocator, CopyProgress, StorageTarget, Transfer, Watch } from '@hypersdk/ports';
import { folderOf } from '../export/export-files.ts';
import { parseReceipt } from '../receipt/receipt.ts';
import { fromReceipt } from './expected-disk.ts';
import { judgeReceipt } from './judge-receipt.ts';
import { readDocument } from './read-document.ts';
import { describeDifference } from './verify-disk.ts';
import type { VerifyReport } from './verify-export.ts';

export interface VerifyElsewhereRequest {
  /** Name of an object in the target. */
  readonly receipt: string;
  /** The disk that is held against it, wherever that is now and in whatever format. */
  readonly disk: BlockLocator;
  /** For people. */
  readonly name: string;
  readonly publicKey?: string;
  readonly percent: number;
}

/** Holds a disk that lies elsewhere against a receipt: what is signed is the content, and that stays the same in every format and place. */
export const verifyElsewhere =
  (ports: { readonly transfer: Pick<Transfer, 'verify'>; readonly target: StorageTarget }) =>
  async ({ receipt: document, disk, name, publicKey, percent }: VerifyElsewhereRequest, o: Watch<CopyProgress>): Promise<VerifyReport> => {
    if (!(percent >= 1 && percent <= 100)) throw new HyperError('usage/invalid', 'The percentage to verify lies between 1 and 100.');
    const expected = fromReceipt(parseReceipt(await readDocument(ports.target, document, o)));
    const receipt = judgeReceipt(expected, publicKey);
    const leavesPath = `${folderOf(ports.target)}/${document.slice(0, document.lastIndexOf('/') + 1)}${expected.leaves}`;
    const outcome = await ports.transfer.verify({ source: disk, expected: expected.content, leavesPath, percent }, o);
    const findings = [...receipt.findings, ...(outcome.result === 'different' ? [describeDifference(name, outcome)] : [])];
    return { ok: findings.every(({ severity }) => severity !== 'error'), disks: [{ file: name, outcome, receipt: receipt.state }], findings };
  };
