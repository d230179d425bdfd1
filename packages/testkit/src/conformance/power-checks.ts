import type { PowerState, VMId } from '@hypersdk/domain';
import type { Power } from '@hypersdk/ports';
import { expect } from 'vitest';
import type { Check } from './check.ts';
import { calm, expectCancelled, expectRefusal } from './expectations.ts';
import type { ArrangeProvider, PowerSubject } from './provider-contract.ts';

interface Powered extends PowerSubject {
  readonly power: Power;
  readonly absent: VMId;
  stateOf(id: VMId): Promise<PowerState>;
}

/** No guest that obeys takes longer, on a machine that is busy. */
const OBEYS_MS = 60_000;
/** Long enough for a guest to obey, and short enough to wait for one that does not. */
const IGNORES_MS = 1500;

/** What every `power` facet promises. */
export const powerChecks = (arrange: ArrangeProvider): readonly Check[] => [...runChecks(arrange), ...restChecks(arrange), ...refusalChecks(arrange)];

function runChecks(arrange: ArrangeProvider): readonly Check[] {
  return [
    {
      name: 'a started VM runs, and starting it again changes nothing',
      run: () =>
        withPower(arrange, async ({ power, deaf, stateOf }) => {
          for (let time = 0; time < 2; time += 1) {
            await power.start(deaf, calm);
            expect(await stateOf(deaf)).toBe('running');
          }
        }),
    },
    {
      name: 'a suspended VM is told to be, and runs on when it is resumed',
      run: () =>
        withPower(arrange, async ({ power, deaf, stateOf }) => {
          await power.start(deaf, calm);
          for (const [call, state] of [
            ['suspend', 'suspended'],
            ['suspend', 'suspended'],
            ['resume', 'running'],
            ['resume', 'running'],
          ] as const) {
            await power[call](deaf, calm);
            expect(await stateOf(deaf)).toBe(state);
          }
        }),
    },
    {
      name: 'a VM that is started anew runs',
      run: () =>
        withPower(arrange, async ({ power, deaf, stateOf }) => {
          await power.start(deaf, calm);
          await power.reset(deaf, calm);
          expect(await stateOf(deaf)).toBe('running');
          await power.reboot(deaf, calm);
          expect(await stateOf(deaf)).toBe('running');
        }),
    },
  ];
}

function restChecks(arrange: ArrangeProvider): readonly Check[] {
  return [
    {
      name: 'a guest that is asked to shut down does, and asking again changes nothing',
      run: () =>
        withPower(arrange, async ({ power, obedient, stateOf, isListening }) => {
          await power.start(obedient, calm);
          await isListening?.(obedient);
          for (let time = 0; time < 2; time += 1) {
            await power.shutdown(obedient, { ...calm, patienceMs: OBEYS_MS });
            expect(await stateOf(obedient)).toBe('stopped');
          }
        }),
    },
    {
      name: 'a guest that does not obey runs on, and that is said',
      run: () =>
        withPower(arrange, async ({ power, deaf, stateOf }) => {
          await power.start(deaf, calm);
          await expectRefusal(power.shutdown(deaf, { ...calm, patienceMs: IGNORES_MS }), 'vm/not-stopped');
          expect(await stateOf(deaf)).toBe('running');
        }),
    },
    {
      name: 'a VM whose power is taken is stopped, and taking it again changes nothing',
      run: () =>
        withPower(arrange, async ({ power, deaf, stateOf }) => {
          await power.start(deaf, calm);
          await power.suspend(deaf, calm);
          for (let time = 0; time < 2; time += 1) {
            await power.powerOff(deaf, calm);
            expect(await stateOf(deaf)).toBe('stopped');
          }
        }),
    },
  ];
}

function refusalChecks(arrange: ArrangeProvider): readonly Check[] {
  return [
    {
      name: 'what a VM cannot do in its state is refused, and changes nothing',
      run: () =>
        withPower(arrange, async ({ power, deaf, stateOf }) => {
          for (const call of ['suspend', 'resume', 'reset', 'reboot'] as const) await expectRefusal(power[call](deaf, calm), 'vm/wrong-state');
          expect(await stateOf(deaf)).toBe('stopped');
          await power.start(deaf, calm);
          await power.suspend(deaf, calm);
          await expectRefusal(power.start(deaf, calm), 'vm/wrong-state');
          await expectRefusal(power.shutdown(deaf, { ...calm, patienceMs: IGNORES_MS }), 'vm/wrong-state');
          expect(await stateOf(deaf)).toBe('suspended');
        }),
    },
    {
      name: 'an unknown VM is told to be unknown by every call',
      run: () =>
        withPower(arrange, async ({ power, absent }) => {
          await expectRefusal(power.shutdown(absent, { ...calm, patienceMs: IGNORES_MS }), 'vm/not-found');
          for (const call of CALLS) await expectRefusal(power[call](absent, calm), 'vm/not-found');
        }),
    },
    {
      name: 'a cancelled call rejects with the reason and changes nothing',
      run: () =>
        withPower(arrange, async ({ power, deaf, stateOf }) => {
          await expectCancelled((o) => power.start(deaf, o));
          expect(await stateOf(deaf)).toBe('stopped');
          await power.start(deaf, calm);
          for (const call of CALLS) await expectCancelled((o) => power[call](deaf, o));
          await expectCancelled((o) => power.shutdown(deaf, { ...o, patienceMs: IGNORES_MS }));
          expect(await stateOf(deaf)).toBe('running');
        }),
    },
  ];
}

const CALLS = ['start', 'powerOff', 'reboot', 'reset', 'suspend', 'resume'] as const;

async function withPower(arrange: ArrangeProvider, check: (powered: Powered) => Promise<void>): Promise<void> {
  await using subject = await arrange();
  await using session = await subject.open();
  const { power, inventory } = session.facets;
  if (!power || !subject.power) expect.fail('The session has no power facet, or the test no VMs to try it with.');
  await check({
    ...subject.power,
    power,
    absent: subject.absent,
    stateOf: async (id) => (await inventory.get(id, calm)).powerState,
  });
}
