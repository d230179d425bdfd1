import { HyperError } from '@hypersdk/domain';
import type { Cancel } from '@hypersdk/ports';
import { procedures } from '../rpc/procedures.ts';
import type { Caller } from '../rpc/rpc-client.ts';
import { isRefusal, ServerCode } from '../rpc/server-error.ts';

/** libvirt refuses such names, but only when the VM is defined. */
export function requireName(name: string): void {
  if (/^[^/\p{Cc}]{1,255}$/u.test(name) && name.trim() !== '' && !['.', '..'].includes(name)) return;
  throw new HyperError(
    'usage/invalid',
    `${JSON.stringify(name.slice(0, 80))} is no name for a VM of libvirt: it has a slash, a control character, or nothing in it.`,
  );
}

/** Nobody there has the name or the identity: libvirt would put the one in the place of the other. */
export async function requireFree(caller: Caller, { name, uuid }: { readonly name: string; readonly uuid: string }, o: Cancel): Promise<void> {
  const taken = await unlessAbsent(caller.call(procedures.domainLookupByName, { name }, o));
  if (taken) throw new HyperError('vm/exists', `There is a VM ${name} there already.`, { detail: { vm: taken.domain.uuid } });
  const same = await unlessAbsent(caller.call(procedures.domainLookupByUuid, { uuid }, o));
  if (same) throw new HyperError('vm/exists', `The VM ${uuid} is still there, as ${same.domain.name}.`, { detail: { vm: uuid } });
}

async function unlessAbsent<Answer>(call: Promise<Answer>): Promise<Answer | undefined> {
  try {
    return await call;
  } catch (error) {
    if (isRefusal(error, ServerCode.noDomain)) return undefined;
    throw error;
  }
}
