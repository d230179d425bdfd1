import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { bundle, findPackage, nativePackages } from './bundle.ts';
import { programs, root } from './programs.ts';

const LICENCE_FILE = /^(?:licen[cs]e|copying|notice)/i;

/** Makes what is installed: `lib/hypersdk` with one bundle, and for each program a manual page and completions. `node`: the first line of each program starts it. */
export async function layOut(folder: string, o: { readonly node: string }): Promise<void> {
  const home = join(folder, 'lib/hypersdk');
  const bin = join(home, 'bin');
  const bundled = await bundle(Object.fromEntries(programs.map(({ name, launcher }) => [name, launcher])), bin);
  const native = nativePackages.map((name) => copyNative(name, home));
  copyLicences([...bundled, ...native], home);
  writePackage(home);
  for (const { name } of programs) {
    nameNode(join(bin, `${name}.mjs`), o.node);
    const run = (args: readonly string[]): string => execFileSync(process.execPath, [join(bin, `${name}.mjs`), ...args], { encoding: 'utf8' });
    write(join(folder, `share/bash-completion/completions/${name}`), run(['completion', 'bash']));
    write(join(folder, `share/zsh/site-functions/_${name}`), run(['completion', 'zsh']));
    write(join(folder, `share/fish/vendor_completions.d/${name}.fish`), run(['completion', 'fish']));
    const manual = join(root, `docs/man/${name}.1`);
    if (existsSync(manual)) write(join(folder, `share/man/man1/${name}.1`), readFileSync(manual, 'utf8'));
  }
}

/** Copies what a native package needs to run here, and answers the folder that has its licence. */
function copyNative(name: string, home: string): string {
  const main = findPackage(name, join(root, 'packages/disk'));
  const platform = `@koromix/koffi-${process.platform}-${process.arch}`;
  const binary = findPackage(platform, main);
  const isSource = (path: string): boolean => /\.(?:cc|hh|inc|h|S|asm|md|txt|def)$|\/(?:vendor|doc|lib\/native)(?:\/|$)|\/musl_[^/]*$/.test(path);
  cpSync(main, join(home, 'node_modules', name), { recursive: true, filter: (path) => !isSource(path.slice(main.length)) });
  cpSync(binary, join(home, 'node_modules', platform), { recursive: true, filter: (path) => !isSource(path.slice(binary.length)) });
  return main;
}

/** The licence texts of everything that is shipped with ours. */
function copyLicences(packages: readonly string[], home: string): void {
  cpSync(join(root, 'LICENSE'), join(home, 'LICENSE'));
  for (const folder of packages) {
    const { name, license } = describePackage(folder);
    const into = join(home, 'licences', name.replace('/', '__'));
    const from = licenceFolder(name, folder);
    const texts = readdirSync(from).filter((file) => LICENCE_FILE.test(file));
    for (const text of texts) cpSync(join(from, text), join(into, text));
    if (texts.length > 0) continue;
    // The text of our own licence is there anyway.
    if (license !== 'Apache-2.0') throw new Error(`${name} is under ${license} and has no licence text; it cannot be shipped.`);
    write(join(into, 'LICENSE'), `${name} is under the licence ${license}, whose text is in lib/hypersdk/LICENSE.\n`);
  }
}

/** Packages that come without their text: each file of theirs names the same holder and licence as this other package, which has it. */
const TEXT_ELSEWHERE: Readonly<Record<string, string>> = { 'yoga-layout': 'react' };

function licenceFolder(name: string, folder: string): string {
  const other = TEXT_ELSEWHERE[name];
  return other === undefined ? folder : findPackage(other, folder);
}

function writePackage(home: string): void {
  const { version } = describePackage(join(root, 'apps/hyperexport'));
  write(
    join(home, 'package.json'),
    `${JSON.stringify({ name: 'hypersdk', version, type: 'module', private: true, license: 'Apache-2.0' }, undefined, 2)}\n`,
  );
}

function describePackage(folder: string): { readonly name: string; readonly version: string; readonly license: string } {
  const parsed: unknown = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  if (typeof parsed !== 'object' || parsed === null || !('name' in parsed) || !('version' in parsed)) throw new Error(`${folder} is no package.`);
  return { name: String(parsed.name), version: String(parsed.version), license: 'license' in parsed ? String(parsed.license) : 'an unnamed licence' };
}

function nameNode(path: string, node: string): void {
  const code = readFileSync(path, 'utf8').replace(/^#!.*\n/, '');
  writeFileSync(path, `#!${node}\n${code}`);
  chmodSync(path, 0o755);
}

function write(path: string, content: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
}
