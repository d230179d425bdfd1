import type { VMId } from '@hypersdk/domain';
import type { Console, Power, SerialLine } from '@hypersdk/ports';
import { expect } from 'vitest';
import { calm } from './expectations.ts';
import type { ArrangeProvider, ConsoleSubject } from './provider-contract.ts';

interface Watched extends ConsoleSubject {
  readonly console: Console;
  readonly power: Power;
  readonly absent: VMId;
  endSession(): Promise<void>;
  openLine(whenHeld?: 'refuse' | 'take-over'): Promise<SerialLine>;
}

/** Runs a check with the VMs that are there to be looked at. */
export async function withConsole(arrange: ArrangeProvider, check: (watched: Watched) => Promise<void>): Promise<void> {
  await using subject = await arrange();
  await using session = await subject.open();
  const { console, power } = session.facets;
  const watched = await subject.consoles?.();
  if (!console || !power || !watched) expect.fail('The session has no console or power facet, or the test no VMs to look at.');
  await check({
    ...watched,
    console,
    power,
    absent: subject.absent,
    endSession: async () => session[Symbol.asyncDispose](),
    openLine: (whenHeld = 'refuse') => console.openSerial(watched.talking, { ...calm, whenHeld }),
  });
}
