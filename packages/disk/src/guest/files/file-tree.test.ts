import { expect, test } from 'vitest';
import { bytesSpan, mappedSpan } from '../span.ts';
import { blocksOf, openPath, type FileNode, type FileTree } from './file-tree.ts';

/** Folders are objects, files are texts, and links are texts that begin with an arrow. */
interface Folder {
  readonly [name: string]: Folder | string;
}

function treeOf(root: Folder): FileTree {
  const folders = new Map<FileNode, Folder>();
  const toNode = (item: Folder | string): FileNode => {
    if (typeof item !== 'string') {
      const node: FileNode = { kind: 'folder', content: bytesSpan(Buffer.alloc(0)) };
      folders.set(node, item);
      return node;
    }
    const isLink = item.startsWith('→');
    return { kind: isLink ? 'link' : 'file', content: bytesSpan(Buffer.from(isLink ? item.slice(1) : item)) };
  };
  return {
    ignoresCase: false,
    root: () => toNode(root),
    *entries(folder) {
      for (const [name, item] of Object.entries(folders.get(folder) ?? {})) yield { name, open: () => toNode(item) };
    },
  };
}

const TREE = treeOf({
  etc: { 'os-release': '→../usr/lib/os-release', absolute: '→/usr/lib/os-release', outside: '→../../../../usr/lib/os-release' },
  usr: { lib: { 'os-release': 'text', self: '→self', there: '→back', back: '→there' } },
  lib: '→usr/lib',
});
const read = (path: string): string | undefined => {
  const node = openPath(TREE, path);
  return node?.content.read({ offset: 0, length: node.content.size }, 'file').bytes.toString();
};

test('links are followed as the guest would, and never lead out of the volume', () => {
  for (const path of ['/usr/lib/os-release', '/etc/os-release', '/etc/absolute', '/etc/outside', '/lib/os-release', '/lib/../lib/./os-release']) {
    expect(read(path)).toBe('text');
  }
});

test('what is not there is not there', () => {
  for (const path of ['/etc/nothing', '/nothing/at/all', '/usr/lib/os-release/below']) expect(openPath(TREE, path)).toBeUndefined();
});

test('links that go in circles are refused', () => {
  for (const path of ['/usr/lib/self', '/usr/lib/there']) expect(() => openPath(TREE, path)).toThrow('go in circles');
});

test('a folder of holes that has no end is refused', () => {
  const holes = mappedSpan(Number.MAX_SAFE_INTEGER, () => ({ length: Number.MAX_SAFE_INTEGER, from: undefined }));
  expect(() => [...blocksOf(holes, 4096, 'folder')]).toThrow('is said to have');
});
