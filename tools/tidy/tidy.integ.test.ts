import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { describeFinding, type Finding } from './finding.ts';
import { drawGraph, withGraph } from './import-graph.ts';
import { inspectTree } from './inspect-tree.ts';
import { readSourceTree } from './source-tree.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const PLANTED = join(import.meta.dirname, 'fixtures/violations/house');

/** Every violation planted in the tree: file, line where it has one, rule. */
const EXPECTED = [
  'ARCHITECTURE.md graph',
  'docs/host.md:3 registry-host',
  'docs/host.md:4 machine-path',
  'docs/two-titles.md one-title',
  'docs/two-titles.md:5 dead-link',
  'docs/two-titles.md:5 dead-link',
  'layers.json modules-floor',
  'package.json dependency-reason',
  'package.json exact-version',
  'packages/disk/src/index-body.ts:1 undeclared',
  'packages/disk/src/index-body.ts:2 layers',
  'packages/disk/src/index-body.ts:4 layers',
  'packages/disk/src/index-body.ts:4 undeclared',
  'packages/disk/src/index-body.ts:5 default-export',
  'packages/disk/src/index-body.ts:6 parameters',
  'packages/disk/src/index-body.ts:7 todo',
  'packages/disk/src/long-file.ts file-length',
  'packages/disk/src/long-file.ts:1 function-length',
  'packages/domain/package.json exports',
  'packages/domain/package.json exports',
  'packages/domain/package.json exports',
  'packages/domain/src/api/UpperCase.ts dead-file',
  'packages/domain/src/api/UpperCase.ts kebab-case',
  'packages/domain/src/dead.ts dead-file',
  'packages/domain/src/index.ts:2 index-re-exports',
  'packages/domain/src/only-tested.ts dead-file',
  'packages/domain/src/size-utils.ts dead-file',
  'packages/domain/src/size-utils.ts empty-name',
];

describe('tidy', () => {
  test('reports every planted violation and nothing else', () => {
    const folder = mkdtempSync(join(tmpdir(), 'hypersdk-tidy-'));
    try {
      cpSync(PLANTED, folder, { recursive: true });
      // Written here, so that the repository itself does not carry them.
      writeFileSync(
        join(folder, 'docs/host.md'),
        `# Host\n\n${['https://registry.example', 'org/x'].join('.')}\n${['', 'home', 'someone', 'images'].join('/')}\n`,
      );
      const found = inspectTree(readSourceTree(folder));
      expect(found.map(({ file, line, rule }) => `${file}${line === undefined ? '' : `:${line}`} ${rule}`).sort()).toEqual(EXPECTED);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('finds nothing in this repository', () => {
    expect(inspectTree(readSourceTree(ROOT)).map((finding: Finding) => describeFinding(finding))).toEqual([]);
  });

  test('keeps the import graph between its markers and the rest as it is', () => {
    const before = '# Map\n<!-- generated: import graph, by `make golden` -->\nold\n<!-- end of generated part -->\nafter\n';
    expect(withGraph(before, 'new')).toBe('# Map\n<!-- generated: import graph, by `make golden` -->\nnew\n<!-- end of generated part -->\nafter\n');
    expect(withGraph('# no markers\n', 'new')).toBeUndefined();
  });

  test('draws an arrow from ports to domain, and none outwards', () => {
    const graph = drawGraph(readSourceTree(ROOT));
    expect(graph).toContain('  ports --> domain\n');
    expect(graph).not.toContain('domain -->');
  });
});
