import { HyperError, type VMId } from '@hypersdk/domain';
import type { Cancel } from '@hypersdk/ports';
import { type Domain, procedures } from './rpc/procedures.ts';
import type { Caller } from './rpc/rpc-client.ts';
import { isRefusal, ServerCode } from './rpc/server-error.ts';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** The domain that goes by this id; `vm/not-found` when there is none. */
export async function findDomain(client: Caller, id: VMId, o: Cancel): Promise<Domain> {
  o.signal.throwIfAborted();
  if (!UUID.test(id)) throw new HyperError('vm/not-found', `There is no VM ${JSON.stringify(id.slice(0, 80))}: VMs of libvirt go by their UUID.`);
  try {
    return (await client.call(procedures.domainLookupByUuid, { uuid: id }, o)).domain;
  } catch (error) {
    if (isRefusal(error, ServerCode.noDomain)) throw new HyperError('vm/not-found', `There is no VM ${id}.`, { cause: error });
    throw error;
  }
}
