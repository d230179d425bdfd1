// What the compiler and the linter cannot see: sizes, names, dead files, documents, layers against package.json.
//   node tools/tidy/tidy.ts [--write]     --write brings the import graph in ARCHITECTURE.md up to date
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describeFinding } from './finding.ts';
import { drawGraph, withGraph } from './import-graph.ts';
import { inspectTree, MAP } from './inspect-tree.ts';
import { readSourceTree } from './source-tree.ts';

const root = resolve(import.meta.dirname, '../..');
const tree = readSourceTree(root);
if (process.argv.includes('--write')) {
  const drawn = withGraph(tree.text(MAP), drawGraph(tree));
  if (drawn !== undefined) writeFileSync(join(root, MAP), drawn);
} else {
  const findings = inspectTree(tree);
  for (const finding of findings) process.stdout.write(`${describeFinding(finding)}\n`);
  process.exitCode = findings.length === 0 ? 0 : 1;
}
