import { posix } from 'node:path';
import type { Finding } from '../finding.ts';
import { membersOf, readManifest } from '../package-manifest.ts';
import type { SourceTree } from '../source-tree.ts';

/** A path of ours in a document: starts in a known folder and has no placeholder in it. */
const OWN_PATH = /^(?:packages|apps|tools|docs|bench|fuzz|e2e|peers|changelog|\.ci)\/[\w./-]*\w$/;
/** Snippets of the changelog are sentences, assembled under titles at a release. */
const UNTITLED = /^changelog\/unreleased\//;
const DEPENDENCIES = 'docs/adr/dependencies.md';

/** Documents have one title, and every path they name is there. */
export function* checkDocuments(tree: SourceTree): Generator<Finding> {
  for (const file of tree.files.filter((path) => path.endsWith('.md'))) {
    const lines = [...proseLines(tree.text(file))];
    const titles = lines.filter(({ text }) => /^# \S/.test(text));
    if (!UNTITLED.test(file) && titles.length !== 1)
      yield { file, rule: 'one-title', message: `${titles.length} titles; a document has one "# title"` };
    for (const { text, line } of lines) {
      for (const path of pathsIn(text, file)) {
        if (!exists(tree, path)) yield { file, line, rule: 'dead-link', message: `${path} is not there` };
      }
    }
  }
  yield* checkDependencies(tree);
}

function* checkDependencies(tree: SourceTree): Generator<Finding> {
  const known = tree.files.includes(DEPENDENCIES) ? tree.text(DEPENDENCIES) : '';
  for (const file of ['package.json', ...membersOf(tree).map((member) => `${member}/package.json`)]) {
    const { dependencies, devDependencies } = readManifest(tree, file);
    for (const [name, version] of Object.entries({ ...dependencies, ...devDependencies })) {
      if (!/^\d+\.\d+\.\d+/.test(version)) yield { file, rule: 'exact-version', message: `${name} ${version}: versions are exact` };
      const own = membersOf(tree).some((member) => readManifest(tree, `${member}/package.json`).name === name);
      if (!own && !known.includes(`\`${name}\``)) yield { file, rule: 'dependency-reason', message: `${name} has no line in ${DEPENDENCIES}` };
    }
  }
}

/** Lines outside fenced code, numbered from 1. */
function* proseLines(text: string): Generator<{ readonly text: string; readonly line: number }> {
  let fenced = false;
  for (const [index, line] of text.split('\n').entries()) {
    if (/^\s*(?:```|~~~)/.test(line)) fenced = !fenced;
    else if (!fenced) yield { text: line, line: index + 1 };
  }
}

function* pathsIn(text: string, file: string): Generator<string> {
  for (const [, target = ''] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
    if (!/^(?:[a-z]+:|#)/.test(target)) yield posix.join(posix.dirname(file), target.replace(/#.*$/, ''));
  }
  for (const [, span = ''] of text.matchAll(/`([^`]+)`/g)) if (OWN_PATH.test(span)) yield span;
}

const exists = (tree: SourceTree, path: string): boolean => {
  const plain = path.replace(/\/$/, '');
  return tree.files.some((file) => file === plain || file.startsWith(`${plain}/`));
};
