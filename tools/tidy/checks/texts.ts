import type { Finding } from '../finding.ts';
import type { SourceTree } from '../source-tree.ts';

const TEXT = /(?:\.(?:ts|mts|mjs|js|md|json|jsonc|yaml|yml|toml|sh|py|service)|\/run|^Makefile|^\.npmrc)$/;
/** What the hosts of package registries and their mirrors are called; naming none of them, this catches all of them. */
const REGISTRY_HOST = /\b(?:registry|packages?|deb|files|proxy|repo\d*|mirrors?)\.[a-z][a-z0-9-]*\.(?:org|com|net|io|dev)\b/;
const MACHINE_PATH = /(?<![\w.@~-])\/(?:work|root|home\/[a-z][\w-]*|Users\/[A-Za-z][\w-]*)\/[\w.-]+/;
const TODO = /\b(?:TODO|FIXME|XXX|HACK)\b(?!\(#\d+\))/;
/** The gate and its tests speak of what they look for. */
const SPEAKS_OF_THEM = /^tools\/tidy\//;

/** What no text of the repository may carry: traces of one machine, hosts of one registry, promises without an issue. */
export function* checkTexts(tree: SourceTree): Generator<Finding> {
  for (const file of tree.files.filter((path) => TEXT.test(path) && !SPEAKS_OF_THEM.test(path))) {
    for (const [index, text] of tree.text(file).split('\n').entries()) {
      const place = { file, line: index + 1 };
      const host = REGISTRY_HOST.exec(text)?.[0];
      if (host !== undefined) yield { ...place, rule: 'registry-host', message: `${host}: which registry is used is the machine's choice` };
      const path = MACHINE_PATH.exec(text)?.[0];
      if (path !== undefined) yield { ...place, rule: 'machine-path', message: `${path} exists on one machine only` };
      if (/\.(?:ts|mts|mjs)$/.test(file) && TODO.test(text)) yield { ...place, rule: 'todo', message: 'a TODO names its issue: TODO(#12)' };
    }
  }
}
