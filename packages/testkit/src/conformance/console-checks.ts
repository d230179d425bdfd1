import { expect } from 'vitest';
import { readPng } from '../build/read-png.ts';
import type { Check } from './check.ts';
import { calm, expectCancelled, expectRefusal } from './expectations.ts';
import { comesTrue, HeardLine } from './hear-line.ts';
import type { ArrangeProvider } from './provider-contract.ts';
import { ticketChecks } from './ticket-checks.ts';
import { withConsole } from './with-console.ts';

/** What every `console` facet promises. */
export const consoleChecks = (arrange: ArrangeProvider): readonly Check[] => [
  ...screenChecks(arrange),
  ...lineChecks(arrange),
  ...endChecks(arrange),
  ...ticketChecks(arrange),
  ...refusalChecks(arrange),
];

function screenChecks(arrange: ArrangeProvider): readonly Check[] {
  return [
    {
      name: 'a running VM tells what it offers to look at it with, and a stopped one that it is nothing',
      run: () =>
        withConsole(arrange, async ({ console, power, talking, bare }) => {
          const nothing = { hasScreen: false, lines: [], graphics: [] };
          expect(await console.offered(talking, calm)).toEqual(nothing);
          await power.start(talking, calm);
          const offered = await console.offered(talking, calm);
          expect(offered).toMatchObject({ hasScreen: true, graphics: ['vnc'] });
          expect(offered.lines.length).toBeGreaterThan(0);
          await power.start(bare, calm);
          expect(await console.offered(bare, calm)).toEqual(nothing);
        }),
    },
    {
      name: 'a screenshot is what the screen shows, and changes with it',
      run: () =>
        withConsole(arrange, async ({ console, power, talking, patienceMs, openLine }) => {
          await power.start(talking, calm);
          await using line = new HeardLine(await openLine());
          await line.isAnswered(patienceMs);
          const look = async (): Promise<string> => {
            const { mediaType, width, height, bytes } = await console.screenshot(talking, calm);
            expect(mediaType).toBe('image/png');
            const picture = readPng(bytes);
            expect({ width: picture.width, height: picture.height }).toEqual({ width, height });
            return Buffer.from(picture.pixels).toString('latin1');
          };
          const before = await look();
          expect(new Set(before).size).toBeGreaterThan(1);
          await line.converses('what is new', patienceMs);
          expect(await comesTrue(async () => (await look()) !== before, patienceMs)).toBe(true);
        }),
    },
  ];
}

function lineChecks(arrange: ArrangeProvider): readonly Check[] {
  return [
    {
      name: 'what is sent reaches the guest, and what it says arrives in order',
      run: () =>
        withConsole(arrange, async ({ console, power, talking, patienceMs }) => {
          await power.start(talking, calm);
          const { lines } = await console.offered(talking, calm);
          for (const named of [{}, { line: lines[0] ?? '' }]) {
            await using line = new HeardLine(await console.openSerial(talking, { ...calm, ...named, whenHeld: 'refuse' }));
            await line.isAnswered(patienceMs);
            for (const text of ['hello', 'abcdefghijklmnopqrstuvwxy', 'x']) await line.converses(text, patienceMs);
          }
        }),
    },
    {
      name: 'a serial line has one holder, until another takes it over',
      run: () =>
        withConsole(arrange, async ({ power, talking, patienceMs, openLine }) => {
          await power.start(talking, calm);
          await using first = new HeardLine(await openLine());
          await first.isAnswered(patienceMs);
          await expectRefusal(openLine(), 'console/in-use');
          await first.converses('still here', patienceMs);
          await using second = new HeardLine(await openLine('take-over'));
          expect(await comesTrue(() => first.end !== undefined, patienceMs)).toBe(true);
          expect(first.end?.reason).toMatchObject({ code: 'console/in-use' });
          await second.converses('now me', patienceMs);
        }),
    },
    {
      name: 'a serial line that was let go of is free, and letting go again is no error',
      run: () =>
        withConsole(arrange, async ({ power, talking, openLine }) => {
          await power.start(talking, calm);
          for (let time = 0; time < 3; time += 1) {
            const line = await openLine();
            const reading = Array.fromAsync(line.received(calm));
            await line[Symbol.asyncDispose]();
            await line[Symbol.asyncDispose]();
            await reading;
          }
        }),
    },
  ];
}

function endChecks(arrange: ArrangeProvider): readonly Check[] {
  return [
    {
      name: 'a serial line ends when its VM stops',
      run: () =>
        withConsole(arrange, async ({ power, talking, patienceMs, openLine }) => {
          await power.start(talking, calm);
          await using line = new HeardLine(await openLine());
          await line.isAnswered(patienceMs);
          await power.powerOff(talking, calm);
          expect(await comesTrue(() => line.end !== undefined, patienceMs)).toBe(true);
          expect(line.end).toEqual({});
        }),
    },
    {
      name: 'a serial line ends with its session',
      run: () =>
        withConsole(arrange, async ({ power, talking, patienceMs, openLine, endSession }) => {
          await power.start(talking, calm);
          await using line = new HeardLine(await openLine());
          await line.isAnswered(patienceMs);
          await endSession();
          expect(await comesTrue(() => line.end !== undefined, patienceMs)).toBe(true);
          expect(line.end).toEqual({});
        }),
    },
  ];
}

function refusalChecks(arrange: ArrangeProvider): readonly Check[] {
  return [
    {
      name: 'what a VM lacks is refused with the code that says so',
      run: () =>
        withConsole(arrange, async ({ console, power, bare, talking }) => {
          await power.start(bare, calm);
          await power.start(talking, calm);
          await expectRefusal(console.screenshot(bare, calm), 'console/no-screen');
          await expectRefusal(console.openSerial(bare, { ...calm, whenHeld: 'refuse' }), 'console/no-serial');
          await expectRefusal(console.openSerial(talking, { ...calm, line: 'no such line', whenHeld: 'refuse' }), 'console/no-serial');
          await expectRefusal(console.issueTicket(bare, ticket), 'console/no-graphics');
          await expectRefusal(console.issueTicket(talking, { ...ticket, protocol: 'spice' }), 'console/no-graphics');
        }),
    },
    {
      name: 'what does not run, and what there is not, has no console',
      run: () =>
        withConsole(arrange, async ({ console, talking, absent }) => {
          await expectRefusal(console.offered(absent, calm), 'vm/not-found');
          for (const [id, code] of [
            [talking, 'vm/wrong-state'],
            [absent, 'vm/not-found'],
          ] as const) {
            await expectRefusal(console.screenshot(id, calm), code);
            await expectRefusal(console.openSerial(id, { ...calm, whenHeld: 'refuse' }), code);
            await expectRefusal(console.issueTicket(id, ticket), code);
          }
        }),
    },
    {
      name: 'a cancelled call on consoles rejects with the reason, and a reader that waits hears of it',
      run: () =>
        withConsole(arrange, async ({ console, power, talking, patienceMs, openLine }) => {
          await power.start(talking, calm);
          await expectCancelled((o) => console.offered(talking, o));
          await expectCancelled((o) => console.screenshot(talking, o));
          await expectCancelled((o) => console.openSerial(talking, { ...o, whenHeld: 'refuse' }));
          await expectCancelled((o) => console.issueTicket(talking, { ...ticket, ...o }));
          await using line = await openLine();
          await expectCancelled((o) => line.send(new Uint8Array(1), o));
          const stop = new AbortController();
          const reason = new Error('called off');
          let heard: unknown;
          Array.fromAsync(line.received({ signal: stop.signal })).catch((why: unknown) => (heard = why));
          stop.abort(reason);
          expect(await comesTrue(() => heard !== undefined, patienceMs)).toBe(true);
          expect(heard).toBe(reason);
        }),
    },
  ];
}

const ticket = { ...calm, validForMs: 60_000, whenUnguarded: 'refuse' } as const;
