import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { lacking } from './lacking.mjs';
import { cleanInstall } from './npm.mjs';
import { pinnedNode, systemNode } from './node-binary.mjs';
import { withSetupLock } from './setup-lock.mjs';

/**
 * Makes node_modules what the lockfiles say and answers the path of the Node to use. A stamp makes the second call cheap.
 * Order matters: npm leaves out, without a word, optional native packages whose `engines` exclude the Node that runs it,
 * so the pinned Node comes first, from a lockfile of its own, and then runs npm for everything else.
 */
export async function setUp(root) {
  const key = fingerprint(root);
  const ready = readStamp(root, key);
  if (ready !== undefined) return ready;

  return withSetupLock(join(root, '.cache', 'setup'), async (register) => {
    const meanwhile = readStamp(root, key);
    if (meanwhile !== undefined) return meanwhile;
    const node = (await pinnedNode(root, register)) ?? systemNode();
    await installPackages(root, node, register);
    if (node !== process.execPath) linkNode(root, node);
    writeStamp(root, { key, node: node === process.execPath ? node : relative(root, node) });
    return node;
  });
}

async function installPackages(root, node, register) {
  // A tree that npm just made by hand is taken as it is when nothing is missing from it.
  if (lacking(root).length === 0) return;
  process.stderr.write('HyperSDK: installing packages from the lockfile (once)…\n');
  await cleanInstall({ folder: root, node, register });
  const absent = lacking(root);
  // Not every registry has every machine's native packages; what needs one of them will name it again.
  if (absent.length > 0) process.stderr.write(`HyperSDK: npm left out ${absent.join(', ')}; programs that need them will not start.\n`);
}

/** Everything that decides what node_modules should hold, and the machine it is for. */
function fingerprint(root) {
  const files = ['package.json', 'package-lock.json', 'tools/bootstrap-node/package.json', 'tools/bootstrap-node/package-lock.json'];
  for (const group of ['packages', 'apps']) {
    if (!existsSync(join(root, group))) continue;
    for (const name of readdirSync(join(root, group)).sort()) files.push(`${group}/${name}/package.json`);
  }
  const hash = createHash('sha256').update(`${process.platform} ${process.arch}\n`);
  for (const file of files) {
    if (existsSync(join(root, file))) hash.update(`${file}\n`).update(readFileSync(join(root, file)));
  }
  return hash.digest('hex');
}

const stampPath = (root) => join(root, 'node_modules', '.setup.json');

function readStamp(root, key) {
  try {
    const stamp = JSON.parse(readFileSync(stampPath(root), 'utf8'));
    const node = resolve(root, stamp.node);
    return stamp.key === key && existsSync(node) && existsSync(join(root, 'node_modules', '.package-lock.json')) ? node : undefined;
  } catch {
    return undefined;
  }
}

function writeStamp(root, stamp) {
  const fresh = `${stampPath(root)}.${process.pid}`;
  writeFileSync(fresh, `${JSON.stringify(stamp)}\n`);
  renameSync(fresh, stampPath(root));
}

/** Programs started by npx or by a package script find the pinned Node first on PATH. */
function linkNode(root, node) {
  const link = join(root, 'node_modules', '.bin', 'node');
  mkdirSync(dirname(link), { recursive: true });
  rmSync(link, { force: true });
  symlinkSync(relative(dirname(link), node), link);
}
