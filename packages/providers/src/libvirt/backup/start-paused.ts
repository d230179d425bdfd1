import { HyperError } from '@hypersdk/domain';
import type { Cancel } from '@hypersdk/ports';
import { xml } from '@hypersdk/wire';
import { type Domain, procedures } from '../rpc/procedures.ts';
import type { Caller } from '../rpc/rpc-client.ts';
import { isRefusal, ServerCode } from '../rpc/server-error.ts';
import { DomainState } from '../to-vm.ts';
import { undoing, unstoppable } from './run-effects.ts';

/** VIR_DOMAIN_START_PAUSED. */
const START_PAUSED = 1;
/** VIR_DOMAIN_METADATA_ELEMENT, VIR_DOMAIN_AFFECT_LIVE: what is said so lasts as long as the domain runs. */
const METADATA_ELEMENT = 2;
const AFFECT_LIVE = 1;
const NAMESPACE = 'urn:hypersdk:export';

/**
 * Starts a stopped VM without letting it run: no processor of it executes anything, and its QEMU reads its disks for us, whatever they are kept in.
 * It says who started it, for whoever finds it so.
 */
export async function startPaused(client: Caller, domain: Domain, o: Cancel & { readonly tag: string }): Promise<void> {
  try {
    await client.call(procedures.domainCreate, { domain, flags: START_PAUSED }, unstoppable);
  } catch (error) {
    if (!(error instanceof HyperError) || error.detail['libvirtCode'] === undefined) throw error;
    throw new HyperError(
      'vm/wrong-state',
      `The VM ${domain.name} is off, and it cannot be started without running, which is how its disks would be read: ${error.message}`,
      { cause: error, detail: { vm: domain.uuid } },
    );
  }
  const metadata = xml('export', { by: o.tag });
  await client.call(
    procedures.domainSetMetadata,
    { domain, type: METADATA_ELEMENT, metadata, key: 'hypersdk', uri: NAMESPACE, flags: AFFECT_LIVE },
    unstoppable,
  );
  o.signal.throwIfAborted();
}

/** The tag of whoever started the domain so; undefined when nobody of us did. */
export async function findStarter(client: Caller, domain: Domain, o: Cancel): Promise<string | undefined> {
  try {
    const { metadata } = await client.call(procedures.domainGetMetadata, { domain, type: METADATA_ELEMENT, uri: NAMESPACE, flags: AFFECT_LIVE }, o);
    return /\bby=["']([^"']*)["']/.exec(metadata)?.[1];
  } catch (error) {
    if (isRefusal(error, ServerCode.noMetadata, ServerCode.noDomain, ServerCode.operationInvalid)) return undefined;
    throw error;
  }
}

/** Takes it away again, unless somebody made it run meanwhile: then it is theirs. False when there was nothing to take away. */
export async function stopPaused(client: Caller, domain: Domain, tag: string): Promise<boolean> {
  const state = await stateOf(client, domain);
  if (state !== DomainState.paused) return false;
  const starter = await findStarter(client, domain, undoing());
  if (starter === undefined && (await hasRun(client, domain)))
    throw new HyperError(
      'vm/wrong-state',
      `The VM ${domain.name} is paused, and nothing says whether that was by ${tag}: resume it, or take its power away (virsh destroy), and try again.`,
      { detail: { vm: domain.uuid } },
    );
  if (starter !== undefined && starter !== tag) return false;
  try {
    await client.call(procedures.domainDestroy, { domain, flags: 0 }, undoing());
    return true;
  } catch (error) {
    if (isRefusal(error, ServerCode.noDomain, ServerCode.operationInvalid)) return false;
    throw error;
  }
}

async function stateOf(client: Caller, domain: Domain): Promise<number | undefined> {
  try {
    return (await client.call(procedures.domainGetState, { domain, flags: 0 }, undoing())).state;
  } catch (error) {
    if (isRefusal(error, ServerCode.noDomain)) return undefined;
    throw error;
  }
}

/** VIR_DOMAIN_STATS_VCPU. */
const STATS_VCPU = 8;
/** Less than any firmware takes, and more than QEMU takes to begin; libvirt counts in hundredths of a second. */
const NEVER_RAN_NS = 100_000_000;

/**
 * Whether any processor of it executed anything. A run that is killed after it started a VM without running, and before it said so, leaves one that did
 * not; nothing is lost with it, whoever started it.
 */
async function hasRun(client: Caller, domain: Domain): Promise<boolean> {
  const { records } = await client.call(procedures.getAllDomainStats, { domains: [domain], stats: STATS_VCPU, flags: 0 }, undoing());
  const params = records.find((record) => record.domain.uuid === domain.uuid)?.params ?? [];
  const times = params.filter(({ field }) => /^vcpu\.\d+\.time$/.test(field));
  return times.length === 0 || times.some(({ value }) => typeof value !== 'bigint' || value > NEVER_RAN_NS);
}
