import { describe, expect, test } from 'vitest';
import { openPlaces } from './open-places.ts';

const calm = { signal: new AbortController().signal };
const stopped = (reason: Error): { readonly signal: AbortSignal } => ({ signal: AbortSignal.abort(reason) });

describe('places', () => {
  test('are given at once while there are some, then in the order asked for', async () => {
    const places = openPlaces(2);
    const [first, second] = await Promise.all([places.take(calm), places.take(calm)]);
    const came: string[] = [];
    const third = places.take(calm).then(() => came.push('third'));
    const fourth = places.take(calm).then(() => came.push('fourth'));
    await Promise.resolve();
    expect(came).toEqual([]);
    second[Symbol.dispose]();
    await third;
    expect(came).toEqual(['third']);
    first[Symbol.dispose]();
    await fourth;
    expect(came).toEqual(['third', 'fourth']);
  });

  test('are free once, however often they are given back', async () => {
    const places = openPlaces(1);
    const first = await places.take(calm);
    first[Symbol.dispose]();
    first[Symbol.dispose]();
    const second = await places.take(calm);
    let came = false;
    const third = places.take(calm).then(() => (came = true));
    await Promise.resolve();
    expect(came).toBe(false);
    second[Symbol.dispose]();
    await third;
  });

  test('are not lost to whoever stopped waiting', async () => {
    const places = openPlaces(1);
    const held = await places.take(calm);
    const impatient = new AbortController();
    const waiting = places.take(impatient);
    impatient.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
    held[Symbol.dispose]();
    await expect(places.take(stopped(new Error('before it began')))).rejects.toThrow('before it began');
    (await places.take(calm))[Symbol.dispose]();
  });
});
