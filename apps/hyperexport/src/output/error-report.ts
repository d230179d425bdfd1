import { errorTable, HyperError } from '@hypersdk/domain';
import { printable } from './printable.ts';

/** The document that `--json` prints instead of a result. */
export interface ErrorDocument {
  readonly error: { readonly code: string; readonly message: string; readonly mend: string; readonly detail: Readonly<Record<string, unknown>> };
}

/** Anything thrown, as an error of the table. What is not one of ours is a defect, and is said to be one. */
export function toHyperError(thrown: unknown): HyperError {
  if (thrown instanceof HyperError) return thrown;
  if (thrown instanceof SuppressedError) return withAftermath(toHyperError(thrown.suppressed), toHyperError(thrown.error));
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  const stack = thrown instanceof Error && thrown.stack ? { stack: thrown.stack.split('\n') } : {};
  return new HyperError('internal/unexpected', sentence(message), { detail: stack, cause: thrown });
}

/** What failed first is what has to be mended; that cleaning up failed too is told with it, for something may have been left. */
function withAftermath(first: HyperError, later: HyperError): HyperError {
  const message = `${sentence(first.message)} Cleaning up after it failed too: ${sentence(later.message)}`;
  return new HyperError(first.code, message, { detail: { ...first.detail, cleaningUp: { code: later.code, message: later.message } }, cause: first });
}

export const exitCodeOf = (error: HyperError): number => errorTable[error.code].exit;

export const toErrorDocument = (error: HyperError): ErrorDocument => ({
  error: { code: error.code, message: error.message, mend: mendOf(error), detail: error.detail },
});

/** One line for people: what and why, then how to mend it and how to go on. */
export function describeError(error: HyperError): string {
  const { resume } = error.detail;
  return `hyperexport: ${sentence(error.message)} ${typeof resume === 'string' ? goOn(error, resume) : mendOf(error)}`;
}

/** What the table says of a copy that goes on. */
const PROMISE = /(: it goes on where it stopped|; (a copy that was begun|the copy) is kept and goes on)[^.]*\.$/;

/** `kept: false` in the detail: the copy left nothing to go on from. */
const mendOf = ({ mend, detail }: HyperError): string => (detail['kept'] === false ? mend.replace(PROMISE, '.') : mend);

/** A run that was only stopped needs no mending; what failed fails again until it was mended. */
function goOn({ code, mend }: HyperError, resume: string): string {
  const command = `hyperexport resume ${resume}`;
  if (code === 'transfer/cancelled') return `The copy is kept and goes on where it stopped: ${command}`;
  const cure = mend.replace(/(, then run the same command|; (a copy that was begun|the copy) is kept and goes on)[^.]*\.$/, '.');
  return `${cure} What was copied is kept; to go on: ${command}`;
}

function sentence(text: string): string {
  const line = printable(text).trim();
  return /[.!?…]$/.test(line) ? line : `${line}.`;
}
