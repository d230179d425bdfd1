// What `npm test` runs: unit tests first, then those that need real programs, then e2e.
//   node tools/test/run-tests.ts [part of a path…] [--testNamePattern=…]
import { resolve } from 'node:path';
import { parseCLI, startVitest } from 'vitest/node';
import { TotalsReporter } from './totals-reporter.ts';

const { filter, options } = parseCLI(['vitest', 'run', ...process.argv.slice(2)]);
const root = options.root ?? resolve(import.meta.dirname, '../..');
const config = options.config ?? resolve(import.meta.dirname, 'vitest.config.ts');
const reporter = new TotalsReporter(root, process.stdout);

try {
  const vitest = await startVitest(filter, { ...options, root, config, reporters: [reporter], watch: false });
  await vitest.close();
} catch (error) {
  reporter.failOutside(error);
}
// Last, whatever happened before: the one line that every runner's reader looks for.
process.exitCode = reporter.conclude();
