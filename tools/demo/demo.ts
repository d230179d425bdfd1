// The main job on a sample: a VM is made from files of this checkout, exported to qcow2, verified, and shown. `npm start`, `make demo`.
import { errorTable, HyperError } from '@hypersdk/domain';
import { describeOutcome } from './describe-outcome.ts';
import { exportAndVerify } from './export-and-verify.ts';
import { parseOptions, USAGE } from './options.ts';
import { prepareSample } from './prepare-sample.ts';
import { sampleIn } from './sample-vm.ts';
import { listenForStop } from './stop.ts';

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  try {
    const options = parseOptions(args);
    if (!options) {
      process.stdout.write(USAGE);
      return 0;
    }
    const { folder } = options;
    using stop = listenForStop();
    const isNew = await prepareSample(options, stop);
    const code = await exportAndVerify(folder, { sample: sampleIn(folder), isNew, signal: stop.signal });
    if (code === 0) process.stdout.write(await describeOutcome(folder));
    return code;
  } catch (thrown) {
    return tellError(thrown);
  }
}

function tellError(thrown: unknown): number {
  const error = thrown instanceof HyperError ? thrown : undefined;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  process.stderr.write(`npm start: ${message}${error ? ` ${error.mend}` : ''}\n`);
  return errorTable[error?.code ?? 'internal/unexpected'].exit;
}
