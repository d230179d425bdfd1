import { HyperError } from '@hypersdk/domain';
import { childNamed, parseXml } from '@hypersdk/wire';
import { expect, test } from 'vitest';
import { guarded, makeGuard } from './graphics-guard.ts';

const nowMs = Date.parse('2026-11-24T18:00:00.250Z');

test('a password is as long as its protocol takes, another each time, and ends at a whole second that is not too early', () => {
  const guards = Array.from({ length: 50 }, () => makeGuard('vnc', { validForMs: 60_000, nowMs }));
  expect(new Set(guards.map(({ password }) => password.reveal())).size).toBe(50);
  for (const { password } of guards) expect(password.reveal()).toMatch(/^[A-Za-z2-9]{8}$/);
  expect(guards[0]?.expiresAt).toBe('2026-11-24T18:01:01.000Z');
  expect(makeGuard('spice', { validForMs: 1, nowMs }).password.reveal()).toHaveLength(32);
});

test.each([0, -5, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 24 * 60 * 60 * 1000 + 1])('a ticket for %s ms is refused', (validForMs) => {
  expect(() => makeGuard('vnc', { validForMs, nowMs })).toThrow(HyperError);
});

test('the console is written as it was, with the new password and its end', () => {
  const element = parseXml(
    `<graphics type='vnc' port='5900' passwdValidTo='2001-01-01T00:00:00'><listen type='address' address='&lt;1'/></graphics>`,
  );
  const guard = makeGuard('vnc', { validForMs: 60_000, nowMs });
  const written = parseXml(guarded(element, guard));
  expect(Object.fromEntries(written.attributes)).toEqual({
    type: 'vnc',
    port: '5900',
    passwd: guard.password.reveal(),
    passwdValidTo: '2026-11-24T18:01:01',
  });
  expect(childNamed(written, 'listen')?.attributes.get('address')).toBe('<1');
});
