import { HyperError, type VMId } from '@hypersdk/domain';
import type { Cancel, Console, GraphicsRequest, GraphicsTicket, OfferedConsoles, Screenshot, SerialLine, SerialRequest } from '@hypersdk/ports';
import { parseXml } from '@hypersdk/wire';
import { findDomain } from '../find-domain.ts';
import type { LibvirtConnection } from '../libvirt-connection.ts';
import { type Domain, procedures } from '../rpc/procedures.ts';
import type { Caller } from '../rpc/rpc-client.ts';
import { isRefusal, ServerCode } from '../rpc/server-error.ts';
import { DomainState } from '../to-vm.ts';
import { type DescribedConsoles, describeConsoles, type DescribedGraphics, type Machine } from './describe-consoles.ts';
import { type GraphicsGuard, guarded, makeGuard } from './graphics-guard.ts';
import { LibvirtSerialLine } from './libvirt-serial-line.ts';
import { readScreenshot, type StreamOpener } from './read-screenshot.ts';

/** libvirt, `virDomainDeviceModifyFlags`: what runs is changed, and what is kept for the next start is not. */
const AFFECT_LIVE = 1;
const STOPPED: readonly number[] = [DomainState.none, DomainState.off, DomainState.crashed];
const NOTHING: DescribedConsoles = { hasScreen: false, lines: [], graphics: [] };

export interface ConsoleSurroundings extends Machine {
  readonly caller: Caller & StreamOpener;
  /** A further connection to the same server. */
  readonly openConnection: (o: Cancel) => Promise<LibvirtConnection>;
  /** Wall clock, milliseconds since 1970: passwords end by it. */
  readonly now?: () => number;
}

type Seen = DescribedConsoles & { readonly domain: Domain };

/** Nothing of it outlives what it is for: a line ends with its session, and a password at its time. */
export class LibvirtConsole implements Console, AsyncDisposable {
  readonly #around: ConsoleSurroundings;
  readonly #lines = new Set<SerialLine>();

  constructor(around: ConsoleSurroundings) {
    this.#around = around;
  }

  async offered(id: VMId, o: Cancel): Promise<OfferedConsoles> {
    const { hasScreen, lines, graphics } = await this.#look(id, o);
    return { hasScreen, lines, graphics: graphics.map(({ protocol }) => protocol) };
  }

  async screenshot(id: VMId, o: Cancel): Promise<Screenshot> {
    const { domain, hasScreen } = await this.#lookAtRunning(id, o);
    if (!hasScreen) throw new HyperError('console/no-screen', `${domain.name} has no graphics card, so there is nothing to see.`);
    return readScreenshot(this.#around.caller, domain, o);
  }

  async openSerial(id: VMId, { line: wanted, whenHeld, signal }: SerialRequest): Promise<SerialLine> {
    const { domain, lines } = await this.#lookAtRunning(id, { signal });
    const line = wanted === undefined ? lines[0] : lines.find((name) => name === wanted);
    if (line === undefined) {
      const which = wanted === undefined ? 'no serial line that can be shared' : `no serial line ${JSON.stringify(wanted.slice(0, 80))}`;
      throw new HyperError('console/no-serial', `${domain.name} has ${which}${lines.length > 0 ? `, only ${lines.join(', ')}` : ''}.`);
    }
    const opened = await LibvirtSerialLine.open(await this.#around.openConnection({ signal }), {
      domain,
      line,
      whenHeld,
      signal,
      onRelease: () => this.#lines.delete(opened),
    });
    this.#lines.add(opened);
    return opened;
  }

  async issueTicket(id: VMId, { protocol, validForMs, whenUnguarded, signal }: GraphicsRequest): Promise<GraphicsTicket> {
    const { domain, graphics } = await this.#lookAtRunning(id, { signal });
    const chosen = graphics.find((one) => protocol === undefined || one.protocol === protocol);
    if (!chosen) throw new HyperError('console/no-graphics', `${domain.name} has no graphical console${protocol ? ` of the kind ${protocol}` : ''}.`);
    const guard = makeGuard(chosen.protocol, { validForMs, nowMs: (this.#around.now ?? Date.now)() });
    const ticket = { protocol: chosen.protocol, endpoint: chosen.endpoint };
    if (await this.#setPassword(domain, { ...chosen, guard, signal })) return { ...ticket, guard };
    if (whenUnguarded === 'accept') return ticket;
    throw new HyperError('console/no-password', `The ${chosen.protocol} console of ${domain.name} was started without a password and asks for none.`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#lines].map((line) => line[Symbol.asyncDispose]()));
  }

  /** False when QEMU has none that could be changed. */
  async #setPassword(domain: Domain, { element, guard, signal }: DescribedGraphics & Cancel & { readonly guard: GraphicsGuard }): Promise<boolean> {
    try {
      await this.#around.caller.call(procedures.domainUpdateDevice, { domain, xml: guarded(element, guard), flags: AFFECT_LIVE }, { signal });
      return true;
    } catch (error) {
      // QEMU gives no reason; libvirt names the command, which nobody translates.
      if (isRefusal(error, ServerCode.internal) && error.message.includes('set_password')) return false;
      throw error;
    }
  }

  async #lookAtRunning(id: VMId, o: Cancel): Promise<Seen> {
    const seen = await this.#look(id, o);
    if (!seen.isRunning) throw new HyperError('vm/wrong-state', `${seen.domain.name} is stopped: only a running VM has a console.`);
    return seen;
  }

  async #look(id: VMId, o: Cancel): Promise<Seen & { readonly isRunning: boolean }> {
    const { caller } = this.#around;
    const domain = await findDomain(caller, id, o);
    try {
      const [{ state }, { xml }] = await Promise.all([
        caller.call(procedures.domainGetState, { domain, flags: 0 }, o),
        caller.call(procedures.domainGetXml, { domain, flags: 0 }, o),
      ]);
      const isRunning = !STOPPED.includes(state);
      return { domain, isRunning, ...(isRunning ? describeConsoles(parseXml(xml), this.#around) : NOTHING) };
    } catch (error) {
      // It only lived while it ran, and stopped in between.
      if (isRefusal(error, ServerCode.noDomain)) return { domain, isRunning: false, ...NOTHING };
      throw error;
    }
  }
}
