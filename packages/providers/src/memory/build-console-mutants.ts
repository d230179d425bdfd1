import { HyperError, Secret } from '@hypersdk/domain';
import type { GraphicsTicket, ProviderSession, SerialLine } from '@hypersdk/ports';
import { type ArrangeProvider, calm, type Mutant, mutate } from '@hypersdk/testkit';
import { toPng } from '@hypersdk/wire';
import { facetMutant, mutant } from './build-memory-platform.ts';

const consoleMutant = facetMutant('console');

const OFFERED = 'a running VM tells what it offers to look at it with, and a stopped one that it is nothing';
const SCREEN = 'a screenshot is what the screen shows, and changes with it';
const HEARD = 'what is sent reaches the guest, and what it says arrives in order';
const HELD = 'a serial line has one holder, until another takes it over';
const FREE = 'a serial line that was let go of is free, and letting go again is no error';
const STOPS = 'a serial line ends when its VM stops';
const OWN = 'a ticket opens the console with its own password and no other, and nobody sees it in print';
const LACKS = 'what a VM lacks is refused with the code that says so';
const ABSENT = 'what does not run, and what there is not, has no console';
const CANCELLED = 'a cancelled call on consoles rejects with the reason, and a reader that waits hears of it';

const lineMutant = (flaw: string, breaks: string, change: (line: SerialLine) => Partial<SerialLine>): Mutant<ArrangeProvider> =>
  consoleMutant(flaw, breaks, (console) => ({
    openSerial: async (id, o) => {
      const line = await console.openSerial(id, o);
      return mutate<SerialLine>(line, change(line));
    },
  }));

const ticketMutant = (flaw: string, breaks: string, change: (ticket: GraphicsTicket) => GraphicsTicket): Mutant<ArrangeProvider> =>
  consoleMutant(flaw, breaks, (console) => ({ issueTicket: async (id, o) => change(await console.issueTicket(id, o)) }));

const black = { width: 2, height: 2, pixels: new Uint8Array(12).fill(7, 6) };

/** Wrong ways to look at VMs, each with the check that has to find it. */
export const consoleMutants: readonly Mutant<ArrangeProvider>[] = [
  consoleMutant('offers what it has whether it runs or not', OFFERED, () => ({
    offered: async () => ({ hasScreen: true, lines: ['serial0'], graphics: ['vnc'] }),
  })),
  consoleMutant('shows the same picture for ever', SCREEN, () => ({
    screenshot: async () => ({ mediaType: 'image/png', width: 2, height: 2, bytes: toPng(black) }),
  })),
  consoleMutant('mistakes width for height', SCREEN, (console) => ({
    screenshot: async (id, o) => {
      const { width, height, ...shot } = await console.screenshot(id, o);
      return { ...shot, width: height, height: width };
    },
  })),
  lineMutant('loses what it is sent', HEARD, () => ({ send: async () => {} })),
  lineMutant('sends bytes in whatever order', HEARD, (line) => ({ send: (bytes, o) => line.send(bytes.toReversed(), o) })),
  lineMutant('loses the end of what the guest says', HEARD, (line) => ({
    async *received(o) {
      for await (const bytes of line.received(o)) yield bytes.length > 1 ? bytes.subarray(0, -1) : bytes;
    },
  })),
  consoleMutant('knows no other line than the first', LACKS, (console) => ({ openSerial: (id, { line: _, ...o }) => console.openSerial(id, o) })),
  consoleMutant('always takes over', HELD, (console) => ({ openSerial: (id, o) => console.openSerial(id, { ...o, whenHeld: 'take-over' }) })),
  lineMutant('does not tell who was put out', HELD, (line) => ({
    async *received(o) {
      try {
        yield* line.received(o);
      } catch {
        return;
      }
    },
  })),
  lineMutant('keeps the line', FREE, () => ({ [Symbol.asyncDispose]: async () => {} })),
  lineMutant('cannot be let go of twice', FREE, (line) => {
    let isReleased = false;
    return {
      [Symbol.asyncDispose]: async () => {
        if (isReleased) throw new Error('no such line');
        isReleased = true;
        await line[Symbol.asyncDispose]();
      },
    };
  }),
  lineMutant('fails when the VM stops', STOPS, (line) => ({
    async *received(o) {
      yield* line.received(o);
      throw new HyperError('libvirt/failed', 'stream had I/O failure');
    },
  })),
  mutant('leaves lines open when it ends', 'a serial line ends with its session', (session) =>
    mutate<ProviderSession>(session, { [Symbol.asyncDispose]: async () => {} }),
  ),
  ticketMutant('prints the password', OWN, (ticket) =>
    ticket.guard
      ? { ...ticket, guard: { ...ticket.guard, password: mutate(ticket.guard.password, { toJSON: ticket.guard.password.reveal }) } }
      : ticket,
  ),
  ticketMutant('gives a password that nobody set', OWN, (ticket) =>
    ticket.guard ? { ...ticket, guard: { ...ticket.guard, password: new Secret('password') } } : ticket,
  ),
  ticketMutant('says nothing of the end', OWN, (ticket) =>
    ticket.guard ? { ...ticket, guard: { ...ticket.guard, expiresAt: '2999-01-01' } } : ticket,
  ),
  consoleMutant('gives the same ticket to all', 'a later ticket ends an earlier one', (console) => {
    const tickets = new Map<string, Promise<GraphicsTicket>>();
    return {
      issueTicket: (id, o) => {
        const ticket = tickets.get(id) ?? console.issueTicket(id, o);
        tickets.set(id, ticket);
        return ticket;
      },
    };
  }),
  consoleMutant('hands open consoles out unasked', 'a console that asks for no password is refused, or told to be open', (console) => ({
    issueTicket: (id, o) => console.issueTicket(id, { ...o, whenUnguarded: 'accept' }),
  })),
  consoleMutant('gives tickets that never were valid', 'a ticket is valid for a time that somebody can mean', (console) => ({
    issueTicket: (id, { validForMs, ...o }) => console.issueTicket(id, { ...o, validForMs: Math.max(1, Math.round(validForMs)) }),
  })),
  consoleMutant('fails with any code', LACKS, (console) => ({
    screenshot: (id, o) =>
      console.screenshot(id, o).catch(() => {
        throw new HyperError('libvirt/failed', 'no screens to take screenshot from');
      }),
  })),
  consoleMutant('takes what is stopped for unknown', ABSENT, (console) => ({
    screenshot: (id, o) =>
      console.screenshot(id, o).catch(() => {
        throw new HyperError('vm/not-found', `There is no VM ${id}.`);
      }),
  })),
  consoleMutant('issues tickets although it was cancelled', CANCELLED, (console) => ({
    issueTicket: (id, o) => console.issueTicket(id, { ...o, ...calm }),
  })),
  lineMutant('reads on although it was called off', CANCELLED, (line) => ({ received: () => line.received(calm) })),
];
