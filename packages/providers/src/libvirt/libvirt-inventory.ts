import { HyperError, type VMId, type VMInfo } from '@hypersdk/domain';
import type { Cancel, Inventory } from '@hypersdk/ports';
import { parseXml } from '@hypersdk/wire';
import { FIGURES_BATCH, isGone, readFigures, readMissingSizes } from './domain-figures.ts';
import type { DomainWatch } from './domain-watch.ts';
import { findDomain } from './find-domain.ts';
import { type Domain, procedures } from './rpc/procedures.ts';
import type { Caller } from './rpc/rpc-client.ts';
import { type DescribedDomain, diskTargetsOf, type DomainFigures, toVM, type Whereabouts } from './to-vm.ts';

/** What is known of a domain, and whether it changed since. */
interface Known {
  readonly domain: Domain;
  readonly described: DescribedDomain;
}

/**
 * The domains of one server. The first list asks about each; from then on the server tells which changed, and only those are asked about again.
 * What libvirt does not tell of (an image that was resized while its domain was off) is seen by `get`, which always asks.
 */
export class LibvirtInventory implements Inventory {
  readonly #client: Caller;
  readonly #watch: DomainWatch;
  readonly #whereabouts: Whereabouts;
  readonly #known = new Map<string, Known>();
  /** Domains that changed since they were last asked about, by how often. */
  readonly #changes = new Map<string, number>();
  #isComplete = false;
  #interruptions = 0;

  constructor(client: Caller, watch: DomainWatch, whereabouts: Whereabouts) {
    this.#client = client;
    this.#watch = watch;
    this.#whereabouts = whereabouts;
    watch.hear({
      happened: ({ message: { domain } }) => this.#changes.set(domain.uuid, (this.#changes.get(domain.uuid) ?? 0) + 1),
      interrupted: () => {
        this.#interruptions += 1;
        this.#isComplete = false;
      },
    });
  }

  async *list({ signal, onProblem }: Parameters<Inventory['list']>[0]): AsyncGenerator<VMInfo> {
    signal.throwIfAborted();
    const isTold = await this.#watch.begin({ signal });
    const interruptions = this.#interruptions;
    const isFresh = isTold && this.#isComplete;
    const stale = isFresh ? await this.#findChanged({ signal }) : await this.#listAll({ signal });
    const isAsked = new Set(stale.map(({ uuid }) => uuid));
    for (const [uuid, { described }] of this.#known) {
      if (!isFresh) break;
      if (!isAsked.has(uuid)) yield* give(described, { signal, ...(onProblem ? { onProblem } : {}) });
    }
    for (let at = 0; at < stale.length; at += FIGURES_BATCH) {
      for await (const described of this.#describeAll(stale.slice(at, at + FIGURES_BATCH), { signal, ...(onProblem ? { onProblem } : {}) }))
        yield* give(described, { signal, ...(onProblem ? { onProblem } : {}) });
    }
    this.#isComplete = isTold && interruptions === this.#interruptions;
    signal.throwIfAborted();
  }

  async get(id: VMId, { signal }: Cancel): Promise<VMInfo> {
    const domain = await findDomain(this.#client, id, { signal });
    for await (const { vm } of this.#describeAll([domain], { signal })) return vm;
    throw new HyperError('vm/not-found', `There is no VM ${id} any more.`);
  }

  async #listAll(o: Cancel): Promise<readonly Domain[]> {
    this.#known.clear();
    this.#changes.clear();
    const { domains } = await this.#client.call(procedures.listAllDomains, { needsResults: 1, flags: 0 }, o);
    return domains;
  }

  /** Those that the server told of, as far as they are still there. */
  async #findChanged(o: Cancel): Promise<readonly Domain[]> {
    const found = await Promise.all(
      [...this.#changes.keys()].map(async (uuid) => {
        const change = this.#changes.get(uuid);
        const domain = await this.#lookUp(uuid, o);
        if (domain) return domain;
        this.#known.delete(uuid);
        if (this.#changes.get(uuid) === change) this.#changes.delete(uuid);
        return undefined;
      }),
    );
    return found.filter((domain) => domain !== undefined);
  }

  async #lookUp(uuid: string, o: Cancel): Promise<Domain | undefined> {
    try {
      return (await this.#client.call(procedures.domainLookupByUuid, { uuid }, o)).domain;
    } catch (error) {
      if (isGone(error)) return undefined;
      throw error;
    }
  }

  /** Those of the domains that are still there, in their order. All are asked about at once; the server answers as fast as it can. */
  async *#describeAll(domains: readonly Domain[], o: Cancel & { readonly onProblem?: (problem: string) => void }): AsyncGenerator<DescribedDomain> {
    const changes = new Map(domains.map(({ uuid }) => [uuid, this.#changes.get(uuid)]));
    const [figures, ...xmls] = await Promise.all([readFigures(this.#client, domains, o), ...domains.map((domain) => this.#readXml(domain, o))]);
    const all = await Promise.all(
      domains.map(async (domain, at) => {
        const [xml, ownFigures] = [xmls[at], figures.get(domain.uuid)];
        return xml === undefined || !ownFigures ? undefined : this.#describe(domain, { ...o, xml, figures: ownFigures });
      }),
    );
    for (const [at, domain] of domains.entries()) {
      const described = all[at];
      if (this.#changes.get(domain.uuid) === changes.get(domain.uuid)) this.#changes.delete(domain.uuid);
      if (described) {
        this.#known.set(domain.uuid, { domain, described });
        yield described;
      } else {
        this.#known.delete(domain.uuid);
      }
    }
  }

  async #describe(
    domain: Domain,
    {
      xml,
      figures,
      onProblem,
      ...o
    }: Cancel & { readonly xml: string; readonly figures: DomainFigures; readonly onProblem?: (problem: string) => void },
  ): Promise<DescribedDomain | undefined> {
    try {
      const element = parseXml(xml);
      const sizes = await readMissingSizes(this.#client, { domain, targets: diskTargetsOf(element), sizes: figures.sizes }, o);
      return toVM(element, { ...figures, sizes }, this.#whereabouts);
    } catch (error) {
      if (!(error instanceof HyperError) || error.code !== 'document/malformed' || !onProblem) throw error;
      onProblem(`${domain.name}: ${error.message}`);
      return undefined;
    }
  }

  async #readXml(domain: Domain, o: Cancel): Promise<string | undefined> {
    try {
      return (await this.#client.call(procedures.domainGetXml, { domain, flags: 0 }, o)).xml;
    } catch (error) {
      if (isGone(error)) return undefined;
      throw error;
    }
  }
}

function* give(
  { vm, problems }: DescribedDomain,
  { signal, onProblem }: Cancel & { readonly onProblem?: (problem: string) => void },
): Generator<VMInfo> {
  signal.throwIfAborted();
  for (const problem of problems) onProblem?.(problem);
  yield vm;
}
