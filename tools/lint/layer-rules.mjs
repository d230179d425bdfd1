// The direction of imports, decided from layers.json alone. Used in the editor by the lint rule and over the whole tree by tidy.
import { readFileSync } from 'node:fs';
import { posix, resolve } from 'node:path';

/**
 * @typedef {{ imports: string[], node: string[] | '*', external: string[], foldersApart?: boolean, seesAllFolders?: string[], onlyTests?: boolean, composes?: boolean }} Member
 * @typedef {{ scope: string, packages: Record<string, Member>, apps: Record<string, Member>, concrete: string[], composeFile: string, testExternal: string[], testSupport?: string }} Layers
 * @typedef {{ group: 'packages' | 'apps', name: string, inside: string, isTest: boolean, member: Member | undefined }} Place
 */

/** @returns {Layers} */
export const readLayers = (root) => JSON.parse(readFileSync(resolve(root, 'layers.json'), 'utf8'));

/**
 * Why this import is not allowed, or undefined when it is. `file` is the importing file from the root, with slashes.
 * @param {Layers} layers
 * @param {string} file
 * @param {string} specifier
 * @returns {string | undefined}
 */
export function judgeImport(layers, file, specifier) {
  const place = placeOf(layers, file);
  if (place === undefined) return undefined;
  if (place.member === undefined) return `${place.group}/${place.name} is not in layers.json`;
  if (specifier.startsWith('.')) return judgeRelative(layers, place, specifier);
  if (specifier.startsWith('node:')) return judgeNode(place, specifier);
  if (specifier.startsWith(layers.scope)) return judgeOwn(layers, place, specifier);
  return judgeExternal(layers, place, specifier);
}

/** Tests, and the modules beside them that only tests may use, known by their names. */
export const isTestFile = (layers, file) =>
  /\.test(-d)?\.[cm]?[jt]sx?$/.test(file) || (layers.testSupport !== undefined && new RegExp(layers.testSupport).test(file));

/** @returns {Place | undefined} Files outside packages and apps (tools, bench, e2e) may import what they need. */
function placeOf(layers, file) {
  const [group, name, source, ...rest] = file.split('/');
  if ((group !== 'packages' && group !== 'apps') || name === undefined || source === undefined) return undefined;
  const inside = rest.length === 0 ? source : rest.join('/');
  return { group, name, inside, isTest: isTestFile(layers, file), member: layers[group][name] };
}

function judgeRelative(layers, place, specifier) {
  const target = posix.join('src', posix.dirname(place.inside), specifier);
  if (target.startsWith('../')) return 'a relative import may not leave its package: import the package by its name';
  if (!place.isTest && isTestFile(layers, target)) return 'what is shipped may not import what is for tests';
  const here = posix.join('src', place.inside);
  const sees = (place.member.seesAllFolders ?? []).map((file) => `src/${file}`);
  if (!place.member.foldersApart || place.isTest || sees.includes(here)) return undefined;
  const [, from, deeper] = here.split('/');
  const [, to, below] = target.split('/');
  if (deeper === undefined || below === undefined || from === to) return undefined;
  return `${place.name}/${from} may not import its sibling ${place.name}/${to}`;
}

function judgeNode(place, specifier) {
  const module = specifier.slice('node:'.length).split('/')[0];
  if (place.isTest || place.member.node === '*' || place.member.node.includes(module)) return undefined;
  return `${place.name} may not use ${specifier}`;
}

function judgeOwn(layers, place, specifier) {
  const [name, ...deeper] = specifier.slice(layers.scope.length).split('/');
  if (deeper.length > 0) return `${specifier} reaches behind the package's door: import ${layers.scope}${name}`;
  if (name === place.name) return 'a package imports its own files by relative path';
  if (name in layers.apps) return 'nothing imports an app';
  if (layers.packages[name]?.onlyTests) return place.isTest ? undefined : `${name} is for tests only`;
  if (!place.member.imports.includes(name)) return `${place.name} may not import ${name}`;
  const composed = !place.member.composes || place.isTest || posix.basename(place.inside) === layers.composeFile;
  if (layers.concrete.includes(name) && !composed) return `only ${layers.composeFile} may name what is in ${name}`;
  return undefined;
}

function judgeExternal(layers, place, specifier) {
  const name = specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
  if (place.member.external.includes(name) || (place.isTest && layers.testExternal.includes(name))) return undefined;
  return `${place.name} may not import the package ${name}`;
}
