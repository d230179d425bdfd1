// Runs a script of the repository with the pinned Node, after installing what is missing:
//   node tools/bootstrap-node/run.mjs [script.ts [argument…]]
// Needs Node 18 and npm, nothing else; without a script it only sets up.
import { spawn } from 'node:child_process';
import { delimiter, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setUp } from './set-up.mjs';
import { SetupError } from './setup-error.mjs';

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..', '..');
const OLDEST_STARTER = 18;
const SIGNALS = /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP']);

try {
  if (Number.parseInt(process.versions.node, 10) < OLDEST_STARTER) {
    throw new SetupError(`needs Node ${OLDEST_STARTER} or later to set itself up; this one is ${process.versions.node}.`);
  }
  const node = await setUp(ROOT);
  const [script, ...args] = process.argv.slice(2);
  if (script === undefined) process.stdout.write(`HyperSDK is set up (${node}).\n`);
  else await run(node, [resolve(ROOT, script), ...args]);
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  process.stderr.write(`HyperSDK ${error.message}\n`);
  process.exitCode = 1;
}

/** Hands over input, output, signals and the way of ending. */
async function run(node, args) {
  const path = [join(ROOT, 'node_modules', '.bin'), process.env.PATH ?? ''].join(delimiter);
  const child = spawn(node, args, { stdio: 'inherit', env: { ...process.env, PATH: path } });
  for (const signal of SIGNALS) {
    process.on(signal, () => {
      // A terminal sends Ctrl-C to every process of the group: passing it on as well would make it two.
      if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal);
    });
  }
  const ending = await new Promise((settle, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => settle({ code, signal }));
  });
  if (ending.signal === null) {
    process.exitCode = ending.code;
    return;
  }
  for (const signal of SIGNALS) process.removeAllListeners(signal);
  process.kill(process.pid, ending.signal);
}
