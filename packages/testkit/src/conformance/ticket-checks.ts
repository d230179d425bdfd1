import { inspect } from 'node:util';
import { expect } from 'vitest';
import type { Check } from './check.ts';
import { calm, expectRefusal } from './expectations.ts';
import type { ArrangeProvider } from './provider-contract.ts';
import { withConsole } from './with-console.ts';

const ANYBODY = 'password';
const HOUR_MS = 60 * 60 * 1000;
const request = { ...calm, validForMs: HOUR_MS, whenUnguarded: 'refuse' } as const;

/** What tickets of the `console` facet promise. */
export const ticketChecks = (arrange: ArrangeProvider): readonly Check[] => [
  {
    name: 'a ticket opens the console with its own password and no other, and nobody sees it in print',
    run: () =>
      withConsole(arrange, async ({ console, power, talking, knock }) => {
        await power.start(talking, calm);
        const before = Date.now();
        const ticket = await console.issueTicket(talking, { ...request, protocol: 'vnc' });
        const { password, expiresAt } = ticket.guard ?? expect.fail('The ticket has no guard.');
        expect(ticket.protocol).toBe('vnc');
        const validForMs = Date.parse(expiresAt) - before;
        expect(Math.abs(validForMs - HOUR_MS)).toBeLessThan(HOUR_MS / 2);
        expect(password.reveal().length).toBeGreaterThanOrEqual(8);
        for (const text of [JSON.stringify(ticket), inspect(ticket, { depth: 9 }), String(password)]) expect(text).not.toContain(password.reveal());
        expect(await knock(ticket, password.reveal())).toBe(true);
        expect(await knock(ticket, ANYBODY)).toBe(false);
      }),
  },
  {
    name: 'a later ticket ends an earlier one',
    run: () =>
      withConsole(arrange, async ({ console, power, talking, knock }) => {
        await power.start(talking, calm);
        const first = await console.issueTicket(talking, request);
        const second = await console.issueTicket(talking, request);
        expect(second.guard?.password.reveal()).not.toBe(first.guard?.password.reveal());
        expect(await knock(second, first.guard?.password.reveal() ?? '')).toBe(false);
        expect(await knock(second, second.guard?.password.reveal() ?? '')).toBe(true);
      }),
  },
  {
    name: 'a console that asks for no password is refused, or told to be open',
    run: () =>
      withConsole(arrange, async ({ console, power, unguarded, knock }) => {
        await power.start(unguarded, calm);
        await expectRefusal(console.issueTicket(unguarded, request), 'console/no-password');
        const ticket = await console.issueTicket(unguarded, { ...request, whenUnguarded: 'accept' });
        expect(ticket.guard).toBeUndefined();
        expect(await knock(ticket, undefined)).toBe(true);
      }),
  },
  {
    name: 'a ticket is valid for a time that somebody can mean',
    run: () =>
      withConsole(arrange, async ({ console, power, talking }) => {
        await power.start(talking, calm);
        for (const validForMs of [0, -1, 0.5, Number.NaN, 25 * HOUR_MS, Number.POSITIVE_INFINITY])
          await expectRefusal(console.issueTicket(talking, { ...request, validForMs }), 'usage/invalid');
      }),
  },
];
