import { describe, expect, test } from 'vitest';
import { brokenPromises, type Check, registerChecks } from './check.ts';

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
      test(`rejects one that ${mutant.flaw}`, async () => {
        expect(await brokenPromises(checksOf(mutant.subject))).toContain(mutant.breaks);
      });
    }

    test('every check has a mutant that it rejects', () => {
      const rejecting = new Set(mutants.map((mutant) => mutant.breaks));
      expect(checksOf(reference).map((check) => check.name).filter((name) => !rejecting.has(name))).toEqual([]);
    });
  });
}
