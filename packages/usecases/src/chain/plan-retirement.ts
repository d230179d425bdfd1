import { HyperError } from '@hypersdk/domain';
import type { ChainLink } from './chain-link.ts';

/** What an export that was flattened makes superfluous. */
export interface Retirement {
  /** Links to be taken away, those first on which nothing lies. */
  readonly retire: readonly ChainLink[];
  /** Links that have to stay, and which other one lies on them. */
  readonly keep: readonly { readonly link: ChainLink; readonly because: string }[];
}

/** The links that the full export was put together from, but for those that another export still lies on. */
export function planRetirement(links: readonly ChainLink[], full: ChainLink): Retirement {
  const { flattenedFrom } = full.manifest;
  if (!flattenedFrom)
    throw new HyperError('usage/invalid', `${full.name} was not made of a chain; only what a flattened export replaces can be pruned.`);
  const origin = links.find(({ manifest }) => manifest.exportId === flattenedFrom.exportId);
  const candidates = origin ? withParents(links, origin) : [];
  const ids = new Set(candidates.map(({ manifest }) => manifest.exportId));
  const needed = new Map<string, string>();
  for (const other of links) {
    if (ids.has(other.manifest.exportId) || other === full) continue;
    for (const { name } of withParents(links, other)) needed.set(name, other.name);
  }
  return {
    retire: candidates.filter(({ name }) => !needed.has(name)),
    keep: candidates.flatMap((link) => {
      const because = needed.get(link.name);
      return because === undefined ? [] : [{ link, because }];
    }),
  };
}

/** A link and all that its disks lie on, from the top. */
export function withParents(links: readonly ChainLink[], head: ChainLink): readonly ChainLink[] {
  const found = new Set<ChainLink>();
  const waiting = [head];
  for (let next = waiting.shift(); next; next = waiting.shift()) {
    if (found.has(next)) continue;
    found.add(next);
    const parents = new Set(next.manifest.disks.map(({ parent }) => parent?.exportId));
    waiting.push(...links.filter(({ manifest }) => parents.has(manifest.exportId)));
  }
  return [...found];
}
