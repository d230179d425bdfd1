import type { VMEvent, VMId } from '@hypersdk/domain';
import type { Events, Power, ProviderSession, VMEvents } from '@hypersdk/ports';
import { expect } from 'vitest';
import type { Check } from './check.ts';
import { calm, expectCancelled, expectRefusal } from './expectations.ts';
import type { ArrangeProvider } from './provider-contract.ts';

interface Heard {
  readonly session: ProviderSession;
  readonly events: Events;
  readonly power: Power;
  readonly vm: VMId;
}

/** More than any platform tells of a few starts and stops. */
const EVENTS_MAX = 500;

/** As many as a start comes with at most, and fewer than three starts and stops come with at least. */
const HELD_MAX = 4;

/** What every `events` facet promises. */
export const eventsChecks = (arrange: ArrangeProvider): readonly Check[] => [...toldChecks(arrange), ...courseChecks(arrange)];

function toldChecks(arrange: ArrangeProvider): readonly Check[] {
  return [
    {
      name: 'what happens to a VM is told in its order, to every consumer',
      run: () =>
        withEvents(arrange, async ({ events, power, vm }) => {
          await using first = await events.open(calm);
          await using second = await events.open(calm);
          await power.start(vm, calm);
          await power.suspend(vm, calm);
          await power.powerOff(vm, calm);
          for (const stream of [first, second]) {
            const told = await takeUntil(stream, isOf(vm, 'stopped'));
            expect(told.filter(({ kind }) => ['started', 'suspended', 'stopped', 'gap'].includes(kind)).map(({ kind }) => kind)).toEqual([
              'started',
              'suspended',
              'stopped',
            ]);
            expect(told.at(-1)).toMatchObject({ vm, reason: 'powered-off' });
          }
        }),
    },
    {
      name: 'what happened before is not told',
      run: () =>
        withEvents(arrange, async ({ events, power, vm }) => {
          await using early = await events.open(calm);
          await power.start(vm, calm);
          // Once one consumer was told, no platform has it still to tell.
          await takeUntil(early, isOf(vm, 'started'));
          await using late = await events.open(calm);
          await power.powerOff(vm, calm);
          expect((await takeUntil(late, isOf(vm, 'stopped'))).filter(isOf(vm, 'started'))).toEqual([]);
        }),
    },
    {
      name: 'a consumer that is too slow is told of a gap, and then of what came after it',
      run: () =>
        withEvents(arrange, async ({ events, power, vm }) => {
          await using slow = await events.open({ ...calm, heldMax: HELD_MAX });
          await using quick = await events.open(calm);
          for (let time = 0; time < 3; time += 1) {
            await power.start(vm, calm);
            await power.powerOff(vm, calm);
            await takeUntil(quick, isOf(vm, 'stopped'));
          }
          expect(await takeUntil(slow, () => true)).toEqual([{ kind: 'gap', reason: 'overflow' }]);
          const after = takeUntil(slow, isOf(vm, 'started'));
          await power.start(vm, calm);
          await after;
        }),
    },
  ];
}

function courseChecks(arrange: ArrangeProvider): readonly Check[] {
  return [
    {
      name: 'a stream that is disposed of ends, and another one goes on',
      run: () =>
        withEvents(arrange, async ({ events, power, vm }) => {
          const [ended, other] = [await events.open(calm), await events.open(calm)];
          await ended[Symbol.asyncDispose]();
          await ended[Symbol.asyncDispose]();
          await power.start(vm, calm);
          await takeUntil(other, isOf(vm, 'started'));
          expect(await Array.fromAsync(ended)).toEqual([]);
          await other[Symbol.asyncDispose]();
        }),
    },
    {
      name: 'streams end with their session',
      run: () =>
        withEvents(arrange, async ({ session, events }) => {
          const waiting = Array.fromAsync(await events.open(calm));
          await session[Symbol.asyncDispose]();
          expect((await waiting).filter(({ kind }) => kind === 'gap')).toEqual([]);
        }),
    },
    {
      name: 'room for no event is refused, and a cancelled opening rejects with the reason',
      run: () =>
        withEvents(arrange, async ({ events }) => {
          for (const heldMax of [0, -1, 1.5]) await expectRefusal(events.open({ ...calm, heldMax }), 'usage/invalid');
          await expectCancelled((o) => events.open(o));
        }),
    },
  ];
}

const isOf =
  (vm: VMId, kind: VMEvent['kind']) =>
  (event: VMEvent): boolean =>
    event.kind === kind && event.kind !== 'gap' && event.vm === vm;

/** The events up to the first that is wanted. */
export async function takeUntil(events: VMEvents, isWanted: (event: VMEvent) => boolean): Promise<readonly VMEvent[]> {
  const taken: VMEvent[] = [];
  const iterator = events[Symbol.asyncIterator]();
  while (taken.length < EVENTS_MAX) {
    const { value, done } = await iterator.next();
    if (done) return expect.fail('The stream ended.');
    taken.push(value);
    if (isWanted(value)) return taken;
  }
  return expect.fail('The event never came.');
}

async function withEvents(arrange: ArrangeProvider, check: (heard: Heard) => Promise<void>): Promise<void> {
  await using subject = await arrange();
  await using session = await subject.open();
  const { events, power } = session.facets;
  if (!events || !power || !subject.power) expect.fail('The session has no events or no power facet, or the test no VMs to try them with.');
  await check({ session, events, power, vm: subject.power.deaf });
}
