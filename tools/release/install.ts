// Installs the programs, or takes them away: node tools/release/install.ts install|uninstall
// PREFIX (default /usr/local) is where they will be used, DESTDIR is put before it, as packagers expect. NODE names the Node that runs them; by default the
// `node` on the PATH when it is new enough, and a copy of the pinned one otherwise.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, isAbsolute, join, relative } from 'node:path';
import { layOut } from './lay-out.ts';
import { programs } from './programs.ts';

const NODE_MAJOR = 26;

const [action] = process.argv.slice(2);
const prefix = process.env['PREFIX'] || '/usr/local';
const destination = join(process.env['DESTDIR'] || '/', prefix);
try {
  if (!isAbsolute(prefix)) throw new Error(`PREFIX is ${prefix}; it has to be an absolute path.`);
  if (action === 'install') await install();
  else if (action === 'uninstall') uninstall();
  else throw new Error('Say install or uninstall.');
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}

/** Everything is made in a folder aside first: what is installed is whole, or the one before it. */
async function install(): Promise<void> {
  const made = mkdtempSync(join(tmpdir(), 'hypersdk-install-'));
  try {
    const own = join(prefix, 'lib/hypersdk/node');
    const node = findNode();
    makeFolder(destination);
    await layOut(made, { node: node ?? own });
    if (node === undefined) cpSync(process.execPath, join(made, 'lib/hypersdk/node'));
    const home = join(destination, 'lib/hypersdk');
    makeFolder(join(destination, 'lib'));
    rmSync(`${home}.new`, { recursive: true, force: true });
    cpSync(join(made, 'lib/hypersdk'), `${home}.new`, { recursive: true });
    rmSync(home, { recursive: true, force: true });
    renameSync(`${home}.new`, home);
    cpSync(join(made, 'share'), join(destination, 'share'), { recursive: true });
    makeFolder(join(destination, 'bin'));
    for (const { name } of programs) {
      const link = join(destination, 'bin', name);
      rmSync(link, { force: true });
      symlinkSync(`../lib/hypersdk/bin/${name}.mjs`, link);
    }
    process.stdout.write(`Installed ${programs.map(({ name }) => join(prefix, 'bin', name)).join(', ')}, run by ${node ?? own}.\n`);
  } finally {
    rmSync(made, { recursive: true, force: true });
  }
}

/** With those above it, one by one: Node's recursive call never ends where the system answers ENOENT for good, as procfs does. */
function makeFolder(path: string): void {
  if (existsSync(path)) return;
  if (dirname(path) !== path) makeFolder(dirname(path));
  mkdirSync(path);
}

function uninstall(): void {
  const paths = programs.flatMap(({ name }) => [
    `bin/${name}`,
    `share/bash-completion/completions/${name}`,
    `share/zsh/site-functions/_${name}`,
    `share/fish/vendor_completions.d/${name}.fish`,
    `share/man/man1/${name}.1`,
  ]);
  for (const path of paths) remove(join(destination, path));
  remove(join(destination, 'lib/hypersdk'));
  process.stdout.write(`Removed the programs from ${destination}. What they made (exports, keys, history) stays.\n`);
}

/** Removes it, and the folders above it that are empty then. */
function remove(path: string): void {
  if (lstatSync(path, { throwIfNoEntry: false }) === undefined) return;
  rmSync(path, { recursive: true });
  for (let folder = dirname(path); relative(destination, folder) !== '' && readdirSync(folder).length === 0; folder = dirname(folder))
    rmdirSync(folder);
}

/** The Node that the user names or has; undefined when that is too old. */
function findNode(): string | undefined {
  const named = process.env['NODE'];
  const asked = spawnSync(named ?? 'node', ['-p', 'process.versions.node.split(".")[0] + " " + process.execPath'], {
    encoding: 'utf8',
    env: plainEnvironment(),
  });
  const [major = '', path] = (asked.stdout ?? '').trim().split(' ');
  if (Number(major) >= NODE_MAJOR && path !== undefined) return named ?? path;
  if (named !== undefined) throw new Error(`NODE is ${named}, which is no Node ${NODE_MAJOR} or newer.`);
  return undefined;
}

/** Without the folders that npm and the set-up put before the user's own. */
function plainEnvironment(): NodeJS.ProcessEnv {
  const folders = (process.env['PATH'] ?? '').split(':').filter((folder) => !folder.includes('/node_modules/'));
  return { ...process.env, PATH: folders.join(':') };
}
