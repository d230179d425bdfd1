import { HyperError } from '@hypersdk/domain';
import type { Cancel, StorageTarget } from '@hypersdk/ports';
import { listFiles, manifestName } from '../export/export-files.ts';
import { verifyExport, type VerifyPorts } from '../verify/verify-export.ts';
import type { ChainLink } from './chain-link.ts';
import { planRetirement, type Retirement, withParents } from './plan-retirement.ts';
import { readLinks, retiredName, type FoundLinks } from './read-links.ts';

export interface PruneRequest {
  /** Folder of the flattened export that replaces them. */
  readonly full: string;
  readonly publicKey?: string;
  readonly isDry: boolean;
}

/**
 * Takes the links that a flattened export replaces out of their chain, after that one was read whole and found right. They are not looked at any more, and `restoreChain`
 * brings them back, until `deleteRetired` removes their files. Links go from the top, so that a kill leaves whole chains.
 */
export const pruneChain =
  (ports: VerifyPorts) =>
  async (request: PruneRequest, o: Cancel): Promise<Retirement> => {
    const { target } = ports;
    const { full, plan } = await planOf(target, request.full, o);
    if (request.isDry) return plan;
    const { publicKey } = request;
    const proof = await verifyExport(ports)(
      { manifest: manifestName(full.name), percent: 100, ...(publicKey === undefined ? {} : { publicKey }) },
      o,
    );
    if (!proof.ok)
      throw new HyperError('verify/mismatch', `${full.name} is not what was recorded; nothing was pruned.`, { detail: { findings: proof.findings } });
    // Reading it took its time, in which another export may have come to lie on what is to go.
    const now = await planOf(target, request.full, o);
    if (now.full.manifest.selfDigest !== full.manifest.selfDigest)
      throw new HyperError('source/changed', `${full.name} was replaced while it was read; nothing was pruned.`);
    for (const { name } of now.plan.retire) await moveObject(target, manifestName(name), { ...o, to: retiredName(name) });
    return now.plan;
  };

async function planOf(target: StorageTarget, name: string, o: Cancel): Promise<{ readonly full: ChainLink; readonly plan: Retirement }> {
  const { links } = await readAllLinks(target, o);
  const full = links.find((link) => link.name === name);
  if (!full) throw new HyperError('source/not-found', `There is no complete export ${name} here.`);
  return { full, plan: planRetirement(links, full) };
}

/** Nobody can tell what an export lies on whose manifest cannot be read, so that nothing here may go. */
async function readAllLinks(target: StorageTarget, o: Cancel): Promise<FoundLinks> {
  const found = await readLinks(target, o);
  const [finding] = found.findings;
  if (!finding) return found;
  throw new HyperError('manifest/malformed', `${finding.summary} What it lies on is not known, so that nothing is taken away.`, {
    detail: { path: finding.path },
  });
}

/** Brings back what was taken out of chains and not deleted yet; answers the names of the links. */
export async function restoreChain(target: StorageTarget, o: Cancel): Promise<readonly string[]> {
  const { links, retired } = await readLinks(target, o);
  const live = new Set(links.map(({ name }) => name));
  for (const { name } of retired) {
    // Where an export is in place already, it may be a newer one.
    if (live.has(name)) await target.delete(retiredName(name), o);
    else await moveObject(target, retiredName(name), { ...o, to: manifestName(name) });
  }
  return retired.map(({ name }) => name);
}

/** Removes the files of what was taken out of chains, for good; answers the names of the links. All stays when another export lies on one of them. */
export async function deleteRetired(target: StorageTarget, o: Cancel): Promise<readonly string[]> {
  const { links, retired } = await readAllLinks(target, o);
  const live = new Set(links.map(({ name }) => name));
  // One that has both its names is being moved: it is not gone yet, or it is back again.
  const gone = retired.filter(({ name }) => !live.has(name));
  for (const link of links) {
    const needed = withParents([...links, ...gone], link).find((below) => gone.includes(below));
    if (needed) throw new HyperError('chain/in-use', `${link.name} lies on ${needed.name}, which was pruned; nothing was deleted.`);
  }
  for (const { name } of gone) {
    const files = await listFiles(target, name, o);
    // Last, so that a run that was killed is gone on with.
    const last = retiredName(name);
    for (const file of files.keys()) if (`${name}/${file}` !== last) await target.delete(`${name}/${file}`, o);
    await target.delete(last, o);
  }
  return gone.map(({ name }) => name);
}

/** There under one of the two names at any time. */
async function moveObject(target: StorageTarget, name: string, { signal, to }: Cancel & { readonly to: string }): Promise<void> {
  await target.put(to, await target.get(name, { signal }), { signal, ifAbsent: false });
  await target.delete(name, { signal });
}
