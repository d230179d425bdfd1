import { isTestFile, readLayers } from '../lint/layer-rules.mjs';
import { memberOf, membersOf, readManifest } from './package-manifest.ts';
import type { SourceTree } from './source-tree.ts';

const GRAPH_START = '<!-- generated: import graph, by `make golden` -->';
const GRAPH_END = '<!-- end of generated part -->';

/** Who imports whom in what is shipped, as it is in the sources, for ARCHITECTURE.md. */
export function drawGraph(tree: SourceTree): string {
  const folderOf = new Map(membersOf(tree).map((member) => [readManifest(tree, `${member}/package.json`).name, member]));
  const layers = readLayers(tree.root);
  const edges = new Set<string>();
  for (const [file, module] of tree.modules) {
    const from = memberOf(file);
    if (from === undefined || isTestFile(layers, file)) continue;
    for (const { specifier } of module.imports) {
      const to = folderOf.get(specifier.split('/').slice(0, 2).join('/'));
      if (to !== undefined && to !== from) edges.add(`  ${short(from)} --> ${short(to)}`);
    }
  }
  return ['```mermaid', 'graph TD', ...[...edges].sort(), '```'].join('\n');
}

const short = (member: string): string => member.replace(/^(?:packages|apps)\//, '');

/** The document with the graph between its markers brought up to date; undefined when it has no markers. */
export function withGraph(document: string, graph: string): string | undefined {
  const start = document.indexOf(GRAPH_START);
  const end = document.indexOf(GRAPH_END);
  if (start < 0 || end < start) return undefined;
  return `${document.slice(0, start + GRAPH_START.length)}\n${graph}\n${document.slice(end)}`;
}
