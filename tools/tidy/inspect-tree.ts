import { checkDeadFiles } from './checks/dead-files.ts';
import { checkDocuments } from './checks/documents.ts';
import { checkDoors } from './checks/doors.ts';
import { checkLayers } from './checks/layers.ts';
import { checkShape } from './checks/shape.ts';
import { checkTexts } from './checks/texts.ts';
import type { Finding } from './finding.ts';
import { drawGraph, withGraph } from './import-graph.ts';
import type { SourceTree } from './source-tree.ts';

export const MAP = 'ARCHITECTURE.md';

/** All that is not as the house wants it, in the order of files. */
export function inspectTree(tree: SourceTree): readonly Finding[] {
  const checks = [checkShape, checkLayers, checkDoors, checkDeadFiles, checkDocuments, checkTexts, checkMap];
  const findings = checks.flatMap((check) => [...check(tree)]);
  return findings.sort((a, b) => (a.file === b.file ? (a.line ?? 0) - (b.line ?? 0) : a.file < b.file ? -1 : 1));
}

function* checkMap(tree: SourceTree): Generator<Finding> {
  const document = tree.files.includes(MAP) ? tree.text(MAP) : '';
  const drawn = withGraph(document, drawGraph(tree));
  if (drawn === undefined) yield { file: MAP, rule: 'graph', message: 'the markers of the import graph are missing' };
  else if (drawn !== document) yield { file: MAP, rule: 'graph', message: 'the import graph is out of date: run "make golden"' };
}
