import { HyperError, type ErrorCode } from '@hypersdk/domain';
import { expect } from 'vitest';
import { firstDifference } from '../memory/first-difference.ts';

/** Compares byte arrays fast and names the first place where they differ. */
export function expectEqualBytes(actual: Uint8Array, expected: Uint8Array): void {
  expect(actual.length, 'length in bytes').toBe(expected.length);
  const at = firstDifference(actual, expected);
  if (at !== undefined) expect.fail(`The bytes differ from offset ${at} on: ${actual[at]} instead of ${expected[at]}.`);
}

/** The promise rejects with a `HyperError` of one of the codes. */
export async function expectRefusal(outcome: Promise<unknown>, ...codes: readonly ErrorCode[]): Promise<HyperError> {
  const reason = await reasonOf(outcome);
  if (!(reason instanceof HyperError)) return expect.fail(`Expected ${codes.join(' or ')}, got ${String(reason)}.`);
  expect(codes).toContain(reason.code);
  return reason;
}

/** The promise rejects, whatever the reason. */
export async function expectRejection(outcome: Promise<unknown>): Promise<void> {
  await reasonOf(outcome);
}

/** A call made with a signal that is already aborted rejects with that signal's reason. */
export async function expectCancelled(call: (o: { readonly signal: AbortSignal }) => Promise<unknown>): Promise<void> {
  const stop = new AbortController();
  const reason = new Error('called off');
  stop.abort(reason);
  expect(await reasonOf(call({ signal: stop.signal }))).toBe(reason);
}

/** A signal that never aborts. */
export const calm = { signal: new AbortController().signal } as const;

async function reasonOf(outcome: Promise<unknown>): Promise<unknown> {
  try {
    await outcome;
  } catch (reason) {
    return reason;
  }
  return expect.fail('Expected a rejection, but the call settled.');
}
