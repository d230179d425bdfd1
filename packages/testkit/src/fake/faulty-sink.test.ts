import { expect, test } from 'vitest';
import { calm } from '../conformance/expectations.ts';
import { MemorySink } from '../memory/memory-sink.ts';
import { FaultPlan, type FaultRule } from './fault-plan.ts';
import { FaultySink, type SinkMethod } from './faulty-sink.ts';

const piece = new Uint8Array(8).fill(9);

async function made(...rules: readonly FaultRule<SinkMethod>[]): Promise<Uint8Array | undefined> {
  const memory = new MemorySink(16);
  const sink = new FaultySink(memory, new FaultPlan(rules));
  await sink.write(0, piece, calm);
  await sink.zero({ offset: 0, length: 2 }, calm);
  await sink.flush(calm);
  await sink.finish(calm);
  return memory.content;
}

test('without rules it is the sink itself', async () => {
  expect(await made()).toEqual(Uint8Array.of(0, 0, 9, 9, 9, 9, 9, 9, 0, 0, 0, 0, 0, 0, 0, 0));
});

test('a short write keeps the first half', async () => {
  expect(await made({ method: 'write', when: { nth: 1 }, fault: { kind: 'short' } })).toEqual(
    Uint8Array.of(0, 0, 9, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
  );
});

test('a corrupt write has a wrong byte', async () => {
  expect((await made({ method: 'write', when: { nth: 1 }, fault: { kind: 'corrupt' } }))?.[4]).toBe(9 ^ 0x10);
});

test('zeros can get lost', async () => {
  expect((await made({ method: 'zero', when: { nth: 1 }, fault: { kind: 'short' } }))?.[0]).toBe(9);
});

test.each(['write', 'zero', 'flush', 'finish'] as const)('%s fails as planned', async (method) => {
  const error = new Error(`${method} failed`);
  await expect(made({ method, when: { nth: 1 }, fault: { kind: 'error', error } })).rejects.toBe(error);
});

test('a finish that gets lost leaves no disk', async () => {
  expect(await made({ method: 'finish', when: { nth: 1 }, fault: { kind: 'short' } })).toBeUndefined();
});
