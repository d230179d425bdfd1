import type { SourceTree } from './source-tree.ts';

export interface PackageManifest {
  readonly name: string;
  readonly exports: unknown;
  readonly bin: Readonly<Record<string, string>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
}

const known = new WeakMap<SourceTree, Map<string, PackageManifest>>();

/** A package.json with absent parts filled in; an absent file reads as an empty one. */
export function readManifest(tree: SourceTree, file: string): PackageManifest {
  const read = known.get(tree) ?? new Map<string, PackageManifest>();
  known.set(tree, read);
  const manifest = read.get(file) ?? {
    name: '',
    exports: undefined,
    bin: {},
    dependencies: {},
    devDependencies: {},
    ...(tree.files.includes(file) ? JSON.parse(tree.text(file)) : {}),
  };
  read.set(file, manifest);
  return manifest;
}

/** `packages/disk` of `packages/disk/src/copy.ts`; undefined for files outside the workspaces. */
export const memberOf = (file: string): string | undefined => /^(?:packages|apps)\/[^/]+(?=\/)/.exec(file)?.[0];

/** Folders of the workspaces, sorted. */
export const membersOf = (tree: SourceTree): readonly string[] => [
  ...new Set(tree.files.filter((file) => /^(?:packages|apps)\/[^/]+\/package\.json$/.test(file)).map((file) => memberOf(file) ?? '')),
];
