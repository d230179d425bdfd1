import { describe, test } from 'vitest';

/** One promise of a port: a sentence, and code that fails when the promise is broken. */
export interface Check {
  readonly name: string;
  run(): Promise<void>;
}

/** Registers each check as a test of its own. */
export function registerChecks(port: string, checks: readonly Check[]): void {
  describe(port, () => {
    for (const check of checks) test(check.name, check.run);
  });
}

/** Runs every check, one after another, and answers the names of those that failed. */
export async function brokenPromises(checks: readonly Check[]): Promise<readonly string[]> {
  const broken: string[] = [];
  for (const check of checks) {
    if (!(await holds(check))) broken.push(check.name);
  }
  return broken;
}

/** A wrong implementation may never answer; no check of a right one takes this long. */
const PATIENCE_MS = 2000;

async function holds(check: Check): Promise<boolean> {
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
