import { describe, test } from 'vitest';

/** One promise of a port: a sentence, and code that fails when the promise is broken. */
export interface Check {
  readonly name: string;
  run(): Promise<void>;
}

/** Reading and writing tens of MiB takes long on a busy machine; nothing that works takes this long. */
export const TIMEOUT_MS = 60_000;

/** Registers each check as a test of its own. */
export function registerChecks(port: string, checks: readonly Check[], timeout: number = TIMEOUT_MS): void {
  describe(port, () => {
    for (const check of checks) test(check.name, { timeout }, check.run);
  });
}

/** A wrong implementation may never answer; no right one takes this long for one check in memory. */
const PATIENCE_MS = 20_000;

/** Runs one check outside the test runner and answers whether it passed. */
export async function isKept(check: Check): Promise<boolean> {
  const { promise: tooLate, resolve } = Promise.withResolvers<false>();
  const timer = setTimeout(resolve, PATIENCE_MS, false);
  const finished = check.run().then(
    () => true,
    () => false,
  );
  try {
    return await Promise.race([finished, tooLate]);
  } finally {
    clearTimeout(timer);
  }
}
