import { isTestFile, judgeImport, readLayers } from '../../lint/layer-rules.mjs';
import type { Finding } from '../finding.ts';
import { memberOf, membersOf, readManifest } from '../package-manifest.ts';
import type { SourceTree } from '../source-tree.ts';

/** Imports against layers.json and against each package.json: npm hoists, so an undeclared import would work until it does not. */
export function* checkLayers(tree: SourceTree): Generator<Finding> {
  const layers = readLayers(tree.root);
  const floor: unknown = 'modulesFloor' in layers ? layers.modulesFloor : undefined;
  if (typeof floor !== 'number' || tree.modules.size < floor) {
    // A checker that looks at nothing finds nothing wrong.
    yield { file: 'layers.json', rule: 'modules-floor', message: `only ${tree.modules.size} modules were seen; modulesFloor is ${String(floor)}` };
  }
  for (const [file, module] of tree.modules) {
    for (const { specifier, line } of module.imports) {
      const why = judgeImport(layers, file, specifier);
      if (why !== undefined) yield { file, line, rule: 'layers', message: why };
      const undeclared = undeclaredBy({ tree, file, specifier, isTest: isTestFile(layers, file) });
      if (undeclared !== undefined)
        yield { file, line, rule: 'undeclared', message: `${undeclared} is imported but not in the package's package.json` };
    }
  }
}

interface Import {
  readonly tree: SourceTree;
  readonly file: string;
  readonly specifier: string;
  readonly isTest: boolean;
}

/** The package that is imported without being declared, if it is not. */
function undeclaredBy({ tree, file, specifier, isTest }: Import): string | undefined {
  if (specifier.startsWith('.') || specifier.startsWith('node:')) return undefined;
  const name = specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
  const root = readManifest(tree, 'package.json');
  const member = memberOf(file);
  // Tools and benches are not shipped and stand outside the workspaces: they may use whatever any of them declares.
  if (member === undefined) return name in root.devDependencies || declaredSomewhere(tree, name) ? undefined : name;
  const own = readManifest(tree, `${member}/package.json`);
  if (name === own.name || name in own.dependencies) return undefined;
  const testsOnly = isTest || member === 'packages/testkit';
  return testsOnly && (name in own.devDependencies || name in root.devDependencies) ? undefined : name;
}

const declaredSomewhere = (tree: SourceTree, name: string): boolean =>
  membersOf(tree)
    .map((member) => readManifest(tree, `${member}/package.json`))
    .some((manifest) => manifest.name === name || name in manifest.dependencies);
