import { HyperError } from '@hypersdk/domain';
import type { Cancel } from '@hypersdk/ports';
import { present } from '../said-fields.ts';
import type { BlockSize, DomainFigures } from './to-vm.ts';
import { type Domain, procedures } from './rpc/procedures.ts';
import type { Caller } from './rpc/rpc-client.ts';
import { isRefusal, ServerCode } from './rpc/server-error.ts';
import type { TypedParam } from './rpc/typed-param.ts';

/** libvirt, `virDomainStatsTypes` and the flag by which a domain that is busy is told of as far as is known. */
const STATS_STATE = 1;
const STATS_BLOCK = 32;
const STATS_NOWAIT = 1 << 29;
/** What is said of so many domains fits in a packet, and comes soon enough to go on with. */
export const FIGURES_BATCH = 256;
/** libvirt, `virConnectListAllDomainsFlags`. */
const LIST_MANAGED_SAVE = 256;

/** States and sizes of many domains in two questions; a domain that there is not any more has none. */
export async function readFigures(client: Caller, domains: readonly Domain[], o: Cancel): Promise<ReadonlyMap<string, DomainFigures>> {
  const [records, { domains: saved }] = await Promise.all([
    readStats(client, domains, { ...o, stats: STATS_STATE | STATS_BLOCK }),
    client.call(procedures.listAllDomains, { needsResults: 1, flags: LIST_MANAGED_SAVE }, o),
  ]);
  const withMemory = new Set(saved.map(({ uuid }) => uuid));
  const figures = new Map<string, DomainFigures>();
  for (const { domain, params } of records) {
    const byField = new Map(params.map(({ field, value }) => [field, value]));
    const state = Number(byField.get('state.state') ?? 0);
    figures.set(domain.uuid, { state, hasSavedMemory: withMemory.has(domain.uuid), sizes: sizesOf(byField) });
  }
  return figures;
}

/** The sizes with those that the many figures lacked, asked for one by one. What the server cannot tell, as an image that is not there, stays out. */
export async function readMissingSizes(
  client: Caller,
  { domain, targets, sizes }: { readonly domain: Domain; readonly targets: readonly string[]; readonly sizes: ReadonlyMap<string, BlockSize> },
  o: Cancel,
): Promise<ReadonlyMap<string, BlockSize>> {
  const missing = targets.filter((target) => !sizes.has(target));
  if (missing.length === 0) return sizes;
  const found = await Promise.all(
    missing.map(async (path): Promise<readonly [string, BlockSize] | undefined> => {
      const said = await client.call(procedures.domainGetBlockInfo, { domain, path, flags: 0 }, o).catch((error: unknown) => refusedOnly(error));
      const [capacity, allocation, physical] = [said?.capacity, said?.allocation, said?.physical].map(toByteCount);
      return capacity === undefined ? undefined : [path, { capacity, ...present({ allocation, physical }) }];
    }),
  );
  return new Map([...sizes, ...found.filter((pair) => pair !== undefined)]);
}

/** What the server refuses is an answer; anything else is passed on. */
function refusedOnly(error: unknown): undefined {
  if (error instanceof HyperError && error.detail['libvirtCode'] !== undefined) return;
  throw error;
}

/** More disks than a VM can have. */
const BLOCKS_MAX = 1024;

function sizesOf(params: ReadonlyMap<string, TypedParam['value']>): ReadonlyMap<string, BlockSize> {
  const sizes = new Map<string, BlockSize>();
  const count = Math.min(Number(params.get('block.count') ?? 0), BLOCKS_MAX);
  for (let at = 0; at < count; at += 1) {
    const name = params.get(`block.${at}.name`);
    const capacity = toByteCount(params.get(`block.${at}.capacity`));
    const allocation = toByteCount(params.get(`block.${at}.allocation`));
    const physical = toByteCount(params.get(`block.${at}.physical`));
    if (typeof name !== 'string' || capacity === undefined) continue;
    sizes.set(name, { capacity, ...present({ allocation, physical }) });
  }
  return sizes;
}

function toByteCount(value: TypedParam['value'] | undefined): number | undefined {
  if (typeof value !== 'bigint') return undefined;
  return value >= 0n && value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : undefined;
}

/** What is said of a domain, in libvirt's names. */
export interface StatsRecord {
  readonly domain: Domain;
  readonly params: readonly TypedParam[];
}

/** Groups of figures of domains that there are. One that vanished spoils the question about all; then each is asked about by itself. */
export async function readStats(client: Caller, domains: readonly Domain[], o: Cancel & { readonly stats: number }): Promise<readonly StatsRecord[]> {
  try {
    const { records } = await client.call(procedures.getAllDomainStats, { domains, stats: o.stats, flags: STATS_NOWAIT }, o);
    return records;
  } catch (error) {
    o.signal.throwIfAborted();
    const [only] = domains;
    if (domains.length === 1 && only && isGone(error)) return [];
    if (domains.length === 1 || !isGone(error)) throw error;
    const each = await Promise.all(domains.map((domain) => readStats(client, [domain], o)));
    return each.flat();
  }
}

/** Whether the domain was undefined, or stopped and was of those that then vanish. */
export const isGone = (error: unknown): boolean =>
  isRefusal(error, ServerCode.noDomain) || (error instanceof HyperError && error.code === 'vm/not-found');
