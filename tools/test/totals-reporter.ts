import { relative } from 'node:path';
import type { Reporter, TestCase, TestModule, TestSuite } from 'vitest/node';

type Failure = { readonly message: string; readonly stack?: string | undefined; readonly diff?: string | undefined };
interface Totals {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** Frames shown under a failure; the first ones lie in the test. */
const FRAMES_MAX = 4;

/** One line for each test file, the whole story of each failure, and `N passed, N failed, N skipped` at the end. */
export class TotalsReporter implements Reporter {
  readonly #root: string;
  readonly #out: { write(text: string): unknown };
  #totals: Totals = { passed: 0, failed: 0, skipped: 0 };
  readonly #skippedIn: string[] = [];

  constructor(root: string, out: { write(text: string): unknown }) {
    this.#root = root;
    this.#out = out;
  }

  onTestModuleEnd(module: TestModule): void {
    const name = relative(this.#root, module.moduleId);
    const totals = countModule(module);
    this.#totals = add(this.#totals, totals);
    if (totals.skipped > 0) this.#skippedIn.push(`${name} (${totals.skipped})`);
    const duration = Math.round(module.diagnostic().duration);
    this.#out.write(`${totals.failed > 0 ? 'FAIL' : 'ok  '} ${name}: ${describeTotals(totals)} in ${duration} ms\n`);
    for (const [title, failures] of failuresOf(module)) {
      for (const failure of failures) this.#tell(`${name}: ${title}`, failure);
    }
  }

  onTestRunEnd(_modules: readonly TestModule[], unhandled: readonly Failure[]): void {
    for (const failure of unhandled) this.#tell('outside any test', failure);
    this.#totals = add(this.#totals, { passed: 0, failed: unhandled.length, skipped: 0 });
  }

  onUserConsoleLog(log: { readonly content: string }): void {
    this.#out.write(log.content);
  }

  /** For what kept the runner itself from working. */
  failOutside(error: unknown): void {
    this.#tell('the test runner', error instanceof Error ? error : { message: String(error) });
    this.#totals = add(this.#totals, { passed: 0, failed: 1, skipped: 0 });
  }

  /** Prints the totals and answers the exit code. Nothing run is a failure: it proves nothing. */
  conclude(): 0 | 1 {
    if (this.#skippedIn.length > 0) this.#out.write(`Skipped in ${this.#skippedIn.join(', ')}\n`);
    this.#out.write(`${describeTotals(this.#totals)}\n`);
    return this.#totals.failed > 0 || this.#totals.passed === 0 ? 1 : 0;
  }

  #tell(place: string, failure: Failure): void {
    const frames = (failure.stack ?? '').split('\n').filter((line) => line.trimStart().startsWith('at '));
    this.#out.write(`\n     ${place}\n     ${failure.message}\n`);
    if (failure.diff) this.#out.write(`${failure.diff}\n`);
    this.#out.write(`${frames.slice(0, FRAMES_MAX).join('\n')}\n\n`);
  }
}

const describeTotals = (totals: Totals): string => `${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped`;

const add = (a: Totals, b: Totals): Totals => ({ passed: a.passed + b.passed, failed: a.failed + b.failed, skipped: a.skipped + b.skipped });

/** Failures outside a test (an import, a hook) count as one each, so that a file that never ran cannot look green. */
function countModule(module: TestModule): Totals {
  const states = [...module.children.allTests()].map((test) => test.result().state);
  const outside = module.errors().length + [...module.children.allSuites()].filter((suite) => suite.errors().length > 0).length;
  return {
    passed: states.filter((state) => state === 'passed').length,
    failed: states.filter((state) => state === 'failed').length + outside,
    skipped: states.filter((state) => state === 'skipped' || state === 'pending').length,
  };
}

function* failuresOf(module: TestModule): Generator<readonly [string, readonly Failure[]]> {
  yield ['outside any test', module.errors()];
  for (const suite of module.children.allSuites()) yield [title(suite), suite.errors()];
  for (const test of module.children.allTests('failed')) yield [title(test), test.result().errors ?? []];
}

const title = (task: TestCase | TestSuite): string => task.fullName;
