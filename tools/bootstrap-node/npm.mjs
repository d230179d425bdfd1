import { spawn, spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, realpathSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { SetupError } from './setup-error.mjs';

/** Debian's npm finds its parts here only because Debian's Node looks there; another Node must be told. */
const DEBIAN_MODULES = '/usr/share/nodejs';
/** Lines of npm's complaint that are shown: its first ones carry the reason. */
const SHOWN_LINES_MAX = 20;

/** Runs `npm ci` in a folder by the given Node, quietly; what npm said is shown when it fails. */
export async function cleanInstall({ folder, node, register }) {
  const cli = npmCli();
  const args = [cli, 'ci', '--ignore-scripts', '--include=dev', '--include=optional', '--no-audit', '--no-fund', '--loglevel=error'];
  const child = spawn(node, args, { cwd: folder, env: npmEnvironment(cli, node), stdio: ['ignore', 'pipe', 'pipe'] });
  const done = child.pid === undefined ? undefined : register(child.pid);
  const said = [];
  child.stdout.on('data', (piece) => said.push(piece));
  child.stderr.on('data', (piece) => said.push(piece));
  const code = await new Promise((settle, reject) => {
    child.on('error', reject);
    child.on('close', settle);
  });
  done?.();
  if (code === 0) return;
  process.stderr.write(`${Buffer.concat(said).toString('utf8').trim().split('\n').slice(0, SHOWN_LINES_MAX).join('\n')}\n`);
  throw new SetupError(`could not install its packages: "npm ci" failed in ${folder} (see above).`);
}

/** The script behind the npm command, so that any Node can run it. Works with npm 8 to 12, from its own package or Debian's. */
function npmCli() {
  for (const candidate of candidates()) {
    if (candidate !== undefined && /\bnpm-cli\.[cm]?js$/.test(candidate) && existsSync(candidate)) return realpathSync(candidate);
  }
  throw new SetupError('needs npm to install its packages, and there is none on PATH.');
}

function* candidates() {
  yield process.env.npm_execpath;
  const command = onPath('npm');
  if (command !== undefined) yield realpathSync(command);
  yield join(dirname(process.execPath), '..', 'lib', 'node_modules', 'npm', 'bin', 'npm-cli.js');
  yield '/usr/lib/node_modules/npm/bin/npm-cli.js';
  yield join(DEBIAN_MODULES, 'npm', 'bin', 'npm-cli.js');
  if (command === undefined) return;
  // A version manager puts a program of its own in npm's place; npm itself knows where it lies.
  const prefix = spawnSync(command, ['root', '--global'], { encoding: 'utf8' });
  if (prefix.status === 0) yield join(prefix.stdout.trim(), 'npm', 'bin', 'npm-cli.js');
}

function onPath(program) {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const path = join(folder, program);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // The next folder may have it.
    }
  }
  return undefined;
}

/** The caller's environment without what an outer npm says about its own run. Its configuration (registry, proxy, certificates) stays. */
function npmEnvironment(cli, node) {
  const env = {};
  for (const [name, value] of Object.entries(process.env)) {
    const lower = name.toLowerCase();
    const ofOuterRun = lower.startsWith('npm_') && !lower.startsWith('npm_config_');
    if (!ofOuterRun && !OUTER_SETTINGS.has(lower)) env[name] = value;
  }
  env.PATH = [dirname(node), process.env.PATH ?? ''].join(delimiter);
  if (cli.startsWith(`${DEBIAN_MODULES}/`)) env.NODE_PATH = [DEBIAN_MODULES, '/usr/lib/nodejs', '/usr/share/node_modules'].join(delimiter);
  return env;
}

/** Settings of an outer npm that would change which folder or which packages are installed. */
const OUTER_SETTINGS = new Set(
  [
    'local_prefix',
    'prefix',
    'workspace',
    'workspaces',
    'include_workspace_root',
    'global',
    'location',
    'omit',
    'only',
    'production',
    'dry_run',
    'engine_strict',
  ].map((name) => `npm_config_${name}`),
);
