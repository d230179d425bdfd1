import { posix } from 'node:path';
import { isTestFile, readLayers } from '../../lint/layer-rules.mjs';
import type { Finding } from '../finding.ts';
import { membersOf, readManifest } from '../package-manifest.ts';
import type { SourceTree } from '../source-tree.ts';

const TEST_FILE = /\.test(?:-d)?\.[cm]?[jt]sx?$/;

/**
 * Files of packages and apps that nothing reaches. A file that only tests reach is alive as their support,
 * unless a test stands beside it: then the test is all that is left of it.
 */
export function* checkDeadFiles(tree: SourceTree): Generator<Finding> {
  const tests = [...tree.modules.keys()].filter((file) => TEST_FILE.test(file));
  const shipped = reachable(tree, [...entriesOf(tree), ...outsideModules(tree)]);
  const tested = reachable(tree, tests);
  const layers = readLayers(tree.root);
  for (const file of tree.modules.keys()) {
    if (!/^(?:packages|apps)\//.test(file) || TEST_FILE.test(file) || shipped.has(file)) continue;
    const beside = !isTestFile(layers, file) && tests.some((test) => test.replace(/(?:\.integ)?\.test\.ts$/, '.ts') === file);
    if (!tested.has(file)) yield { file, rule: 'dead-file', message: 'nothing imports this file' };
    else if (beside) yield { file, rule: 'dead-file', message: 'only tests import this file' };
  }
}

function* entriesOf(tree: SourceTree): Generator<string> {
  for (const member of membersOf(tree)) {
    const { exports, bin } = readManifest(tree, `${member}/package.json`);
    for (const target of [...stringsIn(exports), ...Object.values(bin)]) yield posix.join(member, target);
  }
}

const outsideModules = (tree: SourceTree): readonly string[] =>
  [...tree.modules.keys()].filter((file) => !/^(?:packages|apps)\//.test(file) && !TEST_FILE.test(file));

function* stringsIn(value: unknown): Generator<string> {
  if (typeof value === 'string') yield value;
  else if (typeof value === 'object' && value !== null) for (const inner of Object.values(value)) yield* stringsIn(inner);
}

/** Only relative imports lead on: a package is entered through its door, which is an entry anyway. */
function reachable(tree: SourceTree, entries: readonly string[]): ReadonlySet<string> {
  const seen = new Set<string>();
  const open = [...entries];
  for (let file = open.pop(); file !== undefined; file = open.pop()) {
    const module = tree.modules.get(file);
    if (seen.has(file) || module === undefined) continue;
    seen.add(file);
    for (const { specifier } of module.imports) if (specifier.startsWith('.')) open.push(posix.join(posix.dirname(file), specifier));
  }
  return seen;
}
