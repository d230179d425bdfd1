import { expect, test } from 'vitest';
import { calm, expectEqualBytes } from '../conformance/expectations.ts';
import { MemorySource } from '../memory/memory-source.ts';
import { FaultPlan, type FaultRule } from './fault-plan.ts';
import { FaultySource } from './faulty-source.ts';
import { SlowSource } from './slow-source.ts';

const content = Uint8Array.from({ length: 4096 }, (_, at) => at % 251);
const extents = [
  { offset: 0, length: 1024, kind: 'data' },
  { offset: 1024, length: 3072, kind: 'data' },
] as const;

function sourceWith(...rules: readonly FaultRule<'read' | 'extents'>[]): {
  readonly source: FaultySource;
  readonly plan: FaultPlan<'read' | 'extents'>;
} {
  const plan = new FaultPlan(rules, 7);
  return { source: new FaultySource(new MemorySource(content, { extents }), plan), plan };
}

async function readAt(source: FaultySource | SlowSource, offset: number, signal: AbortSignal = calm.signal): Promise<Uint8Array> {
  const into = new Uint8Array(16);
  await source.read(offset, into, { signal });
  return into;
}

test('without rules it is the source itself', async () => {
  const { source } = sourceWith();
  expectEqualBytes(await readAt(source, 100), content.subarray(100, 116));
  expect(await Array.fromAsync(source.extents(calm))).toEqual(extents);
});

test('an error comes at the call that was named, and at no other', async () => {
  const error = new Error('medium error');
  const { source, plan } = sourceWith({ method: 'read', when: { nth: 2 }, fault: { kind: 'error', error } });
  await readAt(source, 0);
  await expect(readAt(source, 0)).rejects.toBe(error);
  await readAt(source, 0);
  expect(plan.fired).toEqual([1]);
});

test('a short read leaves the rest as it was', async () => {
  const { source } = sourceWith({ method: 'read', when: { nth: 1 }, fault: { kind: 'short' } });
  expectEqualBytes(await readAt(source, 100), Uint8Array.of(...content.subarray(100, 108), 0, 0, 0, 0, 0, 0, 0, 0));
});

test('a corrupt read has one wrong byte', async () => {
  const { source } = sourceWith({ method: 'read', when: { nth: 1 }, fault: { kind: 'corrupt' } });
  const wrong = (await readAt(source, 100)).filter((byte, index) => byte !== content[100 + index]);
  expect(wrong).toHaveLength(1);
});

test('a hanging read ends when it is cancelled', async () => {
  const { source } = sourceWith({ method: 'read', when: { nth: 1 }, fault: { kind: 'hang' } });
  const stop = new AbortController();
  const reading = readAt(source, 0, stop.signal);
  stop.abort(new Error('called off'));
  await expect(reading).rejects.toThrow('called off');
});

test('a walk over the extents fails, ends early or lies as planned', async () => {
  const failing = sourceWith({ method: 'extents', when: { nth: 1 }, fault: { kind: 'error', error: new Error('lost') } });
  await expect(Array.fromAsync(failing.source.extents(calm))).rejects.toThrow('lost');
  const short = sourceWith({ method: 'extents', when: { nth: 1 }, fault: { kind: 'short' } });
  expect(await Array.fromAsync(short.source.extents(calm))).toEqual([extents[0]]);
  const lying = sourceWith({ method: 'extents', when: { nth: 1 }, fault: { kind: 'corrupt' } });
  expect((await Array.fromAsync(lying.source.extents(calm))).map(({ kind }) => kind)).toEqual(['hole', 'hole']);
});

test('faults by chance come as often as they should, and the same way for the same seed', async () => {
  const outcomes = async (): Promise<string> => {
    const { source, plan } = sourceWith({ method: 'read', when: { probability: 0.25 }, fault: { kind: 'error', error: new Error('chance') } });
    const settled = await Promise.allSettled(Array.from({ length: 400 }, () => readAt(source, 0)));
    expect(plan.fired[0]).toBeGreaterThan(60);
    expect(plan.fired[0]).toBeLessThan(140);
    return settled.map(({ status }) => status[0]).join('');
  };
  expect(await outcomes()).toBe(await outcomes());
});

test('a slow source answers later, and not at all once it is cancelled', async () => {
  const source = new SlowSource(new MemorySource(content), { readMs: 20 });
  const begun = performance.now();
  expectEqualBytes(await readAt(source, 5), content.subarray(5, 21));
  expect(performance.now() - begun).toBeGreaterThan(15);
  const stop = new AbortController();
  const reading = readAt(source, 0, stop.signal);
  stop.abort(new Error('called off'));
  await expect(reading).rejects.toThrow('called off');
});
