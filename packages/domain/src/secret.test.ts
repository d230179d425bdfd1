import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { Secret } from './secret.ts';

test('a secret is dots wherever it is printed, and itself for whoever asks', () => {
  const secret = new Secret('s3same');
  const told = [String(secret), `${secret}`, JSON.stringify({ secret }), inspect({ secret }, { showHidden: true }), Object.values(secret).join('')];
  for (const text of told) expect(text).not.toContain('s3same');
  expect(told[0]).toBe('••••••••');
  expect(secret.reveal()).toBe('s3same');
});
