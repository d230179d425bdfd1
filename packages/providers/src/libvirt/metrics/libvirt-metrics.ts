import type { VMMetrics } from '@hypersdk/domain';
import type { Cancel, Metrics, MetricsRequest } from '@hypersdk/ports';
import { FIGURES_BATCH, readStats } from '../domain-figures.ts';
import { type Domain, procedures } from '../rpc/procedures.ts';
import type { Caller } from '../rpc/rpc-client.ts';
import { toMetrics } from './to-metrics.ts';

/** libvirt, `virDomainStatsTypes`: state, processors of the host, balloon, processors of the guest, interfaces and block devices. */
const STATS = 1 | 2 | 4 | 8 | 16 | 32;
/** libvirt, `virConnectListAllDomainsFlags`. */
const LIST_ALL = 0;
const LIST_MANAGED_SAVE = 256;

/** Two lists, and then one question for hundreds of domains. */
export class LibvirtMetrics implements Metrics {
  readonly #caller: Caller;

  constructor(caller: Caller) {
    this.#caller = caller;
  }

  async *sample({ vms, signal }: MetricsRequest): AsyncGenerator<VMMetrics> {
    signal.throwIfAborted();
    const [all, saved] = await Promise.all([this.#list(LIST_ALL, { signal }), this.#list(LIST_MANAGED_SAVE, { signal })]);
    const withMemory = new Set(saved.map(({ uuid }) => uuid));
    const wanted = vms && new Set<string>(vms);
    const domains = wanted ? all.filter(({ uuid }) => wanted.has(uuid)) : all;
    for (let at = 0; at < domains.length; at += FIGURES_BATCH) {
      const records = await readStats(this.#caller, domains.slice(at, at + FIGURES_BATCH), { stats: STATS, signal });
      const takenAtMs = performance.now();
      for (const record of records) {
        signal.throwIfAborted();
        yield toMetrics(record, { hasSavedMemory: withMemory.has(record.domain.uuid), takenAtMs });
      }
    }
    signal.throwIfAborted();
  }

  async #list(flags: number, o: Cancel): Promise<readonly Domain[]> {
    return (await this.#caller.call(procedures.listAllDomains, { needsResults: 1, flags }, o)).domains;
  }
}
