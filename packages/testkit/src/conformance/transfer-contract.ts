import { registerChecks, type Check } from './check.ts';
import { copyChecks } from './transfer-copy-checks.ts';
import { proofChecks } from './transfer-proof-checks.ts';
import { resumeChecks } from './transfer-resume-checks.ts';
import type { ArrangeTransfer } from './transfer-subject.ts';

/** What every transfer promises. `arrange` makes a fresh, empty place for each check. */
export function transferContract(arrange: ArrangeTransfer): void {
  registerChecks('transfer', checksOfTransfer(arrange));
}

export const checksOfTransfer = (arrange: ArrangeTransfer): readonly Check[] => [
  ...copyChecks(arrange),
  ...resumeChecks(arrange),
  ...proofChecks(arrange),
];
