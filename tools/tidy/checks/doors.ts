import type { Finding } from '../finding.ts';
import { membersOf, readManifest } from '../package-manifest.ts';
import type { SourceTree } from '../source-tree.ts';

/** A package's `exports` map is its only door: every entry names one file that exists, no pattern opens a folder. */
export function* checkDoors(tree: SourceTree): Generator<Finding> {
  for (const member of membersOf(tree)) {
    const file = `${member}/package.json`;
    const { exports } = readManifest(tree, file);
    if (member.startsWith('packages/') && exports === undefined)
      yield { file, rule: 'exports', message: 'a package without an exports map is open everywhere' };
    for (const [door, target] of entriesOf(exports)) {
      if (door.includes('*') || target.includes('*')) yield { file, rule: 'exports', message: `"${door}" opens a whole folder: name each door` };
      else if (door.includes('internal')) yield { file, rule: 'exports', message: `"${door}" opens what is internal` };
      else if (!tree.files.includes(`${member}/${target.replace(/^\.\//, '')}`))
        yield { file, rule: 'exports', message: `"${door}" leads to ${target}, which is not there` };
    }
  }
}

/** Doors and their targets; conditions inside a door count as further targets of it. */
function* entriesOf(exports: unknown, door = '.'): Generator<readonly [string, string]> {
  if (typeof exports === 'string') yield [door, exports];
  if (typeof exports !== 'object' || exports === null) return;
  for (const [key, value] of Object.entries(exports)) yield* entriesOf(value, key.startsWith('.') ? key : door);
}
