import { execFileSync } from 'node:child_process';
import { lstatSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

interface TreePart {
  readonly from: string;
  readonly to: string;
  /** Bytes of files to stop at. */
  readonly size: number;
}

/** Copies files and links of a tree, in the order of their names, until their sizes add up. */
export function copyTreePart({ from, to, size }: TreePart): void {
  mkdirSync(to, { recursive: true });
  const paths: string[] = [];
  let copied = 0;
  const folders = ['.'];
  for (let folder = folders.pop(); folder !== undefined && copied < size; folder = folders.pop()) {
    const entries = readdirSync(join(from, folder), { withFileTypes: true }).toSorted((a, b) => (a.name < b.name ? -1 : 1));
    for (const entry of entries) {
      const path = join(folder, entry.name);
      if (entry.isFile() && copied < size) {
        copied += lstatSync(join(from, path)).size;
        paths.push(path);
      }
      if (entry.isSymbolicLink()) paths.push(path);
    }
    folders.push(
      ...entries
        .filter((entry) => entry.isDirectory())
        .map((entry) => join(folder, entry.name))
        .toReversed(),
    );
  }
  execFileSync('xargs', ['-0', 'cp', '-a', '--parents', '-t', to], { cwd: from, input: paths.join('\0') });
}
