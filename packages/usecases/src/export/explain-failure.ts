import { HyperError } from '@hypersdk/domain';
import type { ExportLease } from '@hypersdk/ports';

const CHECK_MS = 60_000;
/** What readers of a disk say when whoever served it went away. */
const READING = /^(?:nbd|http|source)\//;

/** A source that goes away is noticed first by whoever reads it, who knows least of why: its lease is asked. */
export async function explainFailure(lease: ExportLease, error: unknown): Promise<unknown> {
  if (!(error instanceof HyperError) || !READING.test(error.code)) return error;
  try {
    await lease.check({ signal: AbortSignal.timeout(CHECK_MS) });
  } catch (reason) {
    if (reason instanceof HyperError)
      return new HyperError(reason.code, reason.message, { cause: error, detail: { ...error.detail, ...reason.detail } });
  }
  return error;
}
