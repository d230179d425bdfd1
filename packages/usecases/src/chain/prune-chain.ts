import { HyperError } from '@hypersdk/domain';
import type { Cancel, StorageTarget } from '@hypersdk/ports';
import { listFiles, manifestName } from '../export/export-files.ts';
import { verifyExport, type VerifyPorts } from '../verify/verify-export.ts';
import { planRetirement, type Retirement } from './plan-retirement.ts';
import { readLinks, retiredName } from './read-links.ts';

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
    const { links } = await readLinks(target, o);
    const full = links.find(({ name }) => name === request.full);
    if (!full) throw new HyperError('source/not-found', `There is no complete export ${request.full} here.`);
    const plan = planRetirement(links, full);
    if (request.isDry) return plan;
    const { publicKey } = request;
    const proof = await verifyExport(ports)(
      { manifest: manifestName(full.name), percent: 100, ...(publicKey === undefined ? {} : { publicKey }) },
      o,
    );
    if (!proof.ok)
      throw new HyperError('verify/mismatch', `${full.name} is not what was recorded; nothing was pruned.`, { detail: { findings: proof.findings } });
    for (const { name } of plan.retire) await moveObject(target, manifestName(name), { ...o, to: retiredName(name) });
    return plan;
  };

/** Brings back what was taken out of chains and not deleted yet; answers the names of the links. */
export async function restoreChain(target: StorageTarget, o: Cancel): Promise<readonly string[]> {
  const { retired } = await readLinks(target, o);
  for (const { name } of retired) await moveObject(target, retiredName(name), { ...o, to: manifestName(name) });
  return retired.map(({ name }) => name);
}

/** Removes the files of what was taken out of chains, for good; answers the names of the links. */
export async function deleteRetired(target: StorageTarget, o: Cancel): Promise<readonly string[]> {
  const { retired } = await readLinks(target, o);
  for (const { name } of retired) {
    const files = await listFiles(target, name, o);
    // Last, so that a run that was killed is gone on with.
    const last = retiredName(name);
    for (const file of files.keys()) if (`${name}/${file}` !== last) await target.delete(`${name}/${file}`, o);
    await target.delete(last, o);
  }
  return retired.map(({ name }) => name);
}

/** There under one of the two names at any time. */
async function moveObject(target: StorageTarget, name: string, { signal, to }: Cancel & { readonly to: string }): Promise<void> {
  await target.put(to, await target.get(name, { signal }), { signal, ifAbsent: false });
  await target.delete(name, { signal });
}
