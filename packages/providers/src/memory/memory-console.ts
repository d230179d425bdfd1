import { randomBytes } from 'node:crypto';
import { HyperError, Secret, type VMId } from '@hypersdk/domain';
import type { Cancel, Console, GraphicsRequest, GraphicsTicket, OfferedConsoles, Screenshot, SerialLine, SerialRequest } from '@hypersdk/ports';
import { toPng } from '@hypersdk/wire';
import type { MemoryVM } from './memory-config.ts';
import type { MemoryInventory } from './memory-inventory.ts';
import { MemorySerialLine } from './memory-serial-line.ts';

const LINE = 'serial0';
const VALID_MS_MAX = 24 * 60 * 60 * 1000;
const [WIDTH, HEIGHT] = [64, 48];

/** What is wrong with VMs that cannot be looked at like the others. */
export interface ConsoleFlaws {
  readonly bare: readonly string[];
  readonly unguarded: readonly string[];
}

/** Guests that answer each byte on their serial line with the one after it, and show what they said on a screen of a pixel for each byte. */
export class MemoryConsole implements Console, Disposable {
  readonly #inventory: MemoryInventory;
  readonly #flaws: ConsoleFlaws;
  readonly #lines = new Map<string, MemorySerialLine>();
  readonly #screens = new Map<string, string>();
  readonly #passwords = new Map<string, Secret>();

  constructor(inventory: MemoryInventory, flaws: ConsoleFlaws) {
    this.#inventory = inventory;
    this.#flaws = flaws;
    inventory.hear((event) => {
      if (event.kind === 'stopped') this.#lines.get(event.vm)?.end();
    });
  }

  async offered(id: VMId, o: Cancel): Promise<OfferedConsoles> {
    const { powerState } = await this.#inventory.get(id, o);
    const isShown = powerState !== 'stopped' && !this.#flaws.bare.includes(id);
    return isShown ? { hasScreen: true, lines: [LINE], graphics: ['vnc'] } : { hasScreen: false, lines: [], graphics: [] };
  }

  async screenshot(id: VMId, o: Cancel): Promise<Screenshot> {
    const { name } = await this.#running(id, o);
    if (this.#flaws.bare.includes(id)) throw new HyperError('console/no-screen', `${name} has no screen.`);
    const pixels = new Uint8Array(WIDTH * HEIGHT * 3);
    pixels.set(Buffer.from(this.#screens.get(id) ?? name).subarray(-pixels.length));
    return { mediaType: 'image/png', width: WIDTH, height: HEIGHT, bytes: toPng({ width: WIDTH, height: HEIGHT, pixels }) };
  }

  async openSerial(id: VMId, { line = LINE, whenHeld, ...o }: SerialRequest): Promise<SerialLine> {
    const { name } = await this.#running(id, o);
    if (line !== LINE || this.#flaws.bare.includes(id)) throw new HyperError('console/no-serial', `${name} has no such serial line.`);
    const holder = this.#lines.get(id);
    if (holder && !holder.isOver && whenHeld === 'refuse') throw new HyperError('console/in-use', `The serial line of ${name} is held by somebody.`);
    holder?.fail(new HyperError('console/in-use', `The serial line of ${name} was taken over by somebody.`));
    const opened = new MemorySerialLine((said) => this.#screens.set(id, (this.#screens.get(id) ?? name) + said));
    this.#lines.set(id, opened);
    return opened;
  }

  async issueTicket(id: VMId, { protocol = 'vnc', validForMs, whenUnguarded, ...o }: GraphicsRequest): Promise<GraphicsTicket> {
    const { name } = await this.#running(id, o);
    if (protocol !== 'vnc' || this.#flaws.bare.includes(id)) throw new HyperError('console/no-graphics', `${name} has no such graphical console.`);
    if (!Number.isSafeInteger(validForMs) || validForMs <= 0 || validForMs > VALID_MS_MAX)
      throw new HyperError('usage/invalid', `A ticket is not valid for ${validForMs} ms.`);
    const ticket = { protocol, endpoint: { kind: 'socket', machine: 'memory', path: `/${id}` } } as const;
    if (this.#flaws.unguarded.includes(id)) {
      if (whenUnguarded === 'accept') return ticket;
      throw new HyperError('console/no-password', `The graphical console of ${name} asks for no password.`);
    }
    const password = new Secret(randomBytes(6).toString('base64url'));
    this.#passwords.set(id, password);
    return { ...ticket, guard: { password, expiresAt: new Date(Date.now() + validForMs).toISOString() } };
  }

  /** Whether a viewer with this password gets in. */
  lets(id: string, password: string | undefined): boolean {
    return this.#flaws.unguarded.includes(id) || (password !== undefined && this.#passwords.get(id)?.reveal() === password);
  }

  [Symbol.dispose](): void {
    for (const line of this.#lines.values()) line.end();
  }

  async #running(id: VMId, o: Cancel): Promise<MemoryVM> {
    const vm = await this.#inventory.get(id, o);
    if (vm.powerState === 'stopped') throw new HyperError('vm/wrong-state', `${vm.name} is stopped.`);
    return vm;
  }
}
