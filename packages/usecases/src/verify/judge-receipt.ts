import type { Finding } from '../finding.ts';
import { checkReceipt } from '../receipt/receipt.ts';
import type { ExpectedDisk } from './expected-disk.ts';

/** `unchecked`: there is a receipt, and no public key was given to check it with. */
export type ReceiptState = 'valid' | 'absent' | 'untrusted' | 'unchecked';

interface Judgement {
  readonly state: ReceiptState;
  readonly findings: readonly Finding[];
}

/** Whoever gives a key wants proof, so then a missing receipt is an error; without a key a receipt is only data. */
export function judgeReceipt({ receipt, file }: Pick<ExpectedDisk, 'receipt' | 'file'>, publicKey: string | undefined): Judgement {
  if (receipt === 'absent') {
    return {
      state: 'absent',
      findings: [{ severity: publicKey === undefined ? 'warning' : 'error', summary: `${file} has no receipt.`, path: file }],
    };
  }
  if (receipt === 'unreadable') {
    return {
      state: 'untrusted',
      findings: [{ severity: 'error', summary: `The receipt of ${file} is damaged or speaks of another disk.`, path: file }],
    };
  }
  if (publicKey === undefined) {
    return {
      state: 'unchecked',
      findings: [{ severity: 'note', summary: `The signature of ${file} was not checked: no public key was given.`, path: file }],
    };
  }
  if (checkReceipt(receipt, publicKey)) return { state: 'valid', findings: [] };
  const summary = `The receipt of ${file} was not signed with this key, or was changed afterwards.`;
  return { state: 'untrusted', findings: [{ severity: 'error', summary, detail: `Its key id is ${receipt.signature.keyId}.`, path: file }] };
}
