import { describe, expect, test } from 'vitest';
import { type Check, isKept, registerChecks, TIMEOUT_MS } from './check.ts';

/** A wrong implementation: what is wrong with it, and the check that has to notice. */
export interface Mutant<Subject> {
  readonly flaw: string;
  readonly breaks: string;
  readonly subject: Subject;
}

export interface Proof<Subject> {
  readonly port: string;
  readonly checksOf: (subject: Subject) => readonly Check[];
  readonly reference: Subject;
  readonly mutants: readonly Mutant<Subject>[];
}

/** Proves a contract suite: the reference keeps every promise, each mutant is rejected for its flaw, and every check rejects at least one. */
export function proveChecks<Subject>({ port, checksOf, reference, mutants }: Proof<Subject>): void {
  registerChecks(`${port}, the reference`, checksOf(reference));

  describe(`${port}, the mutants`, () => {
    for (const mutant of mutants) {
      test.concurrent(`rejects one that ${mutant.flaw}`, { timeout: TIMEOUT_MS }, async () => {
        const check = checksOf(mutant.subject).find(({ name }) => name === mutant.breaks);
        if (!check) expect.fail(`There is no check named "${mutant.breaks}".`);
        expect(await isKept(check)).toBe(false);
      });
    }

    test('every check has a mutant that it rejects', () => {
      const rejecting = new Set(mutants.map(({ breaks }) => breaks));
      const names = checksOf(reference).map(({ name }) => name);
      expect(names.filter((name) => !rejecting.has(name))).toEqual([]);
    });
  });
}
