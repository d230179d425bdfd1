import { describe, expect, test } from 'vitest';
import { WorkRing } from './work-ring.ts';

describe('the work ring', () => {
  test('hands out every leaf once, in order, through one shared memory', () => {
    const ring = new WorkRing();
    const other = new WorkRing(ring.buffer);
    for (const leaf of [3, 5, 9]) ring.publish(leaf);
    ring.close();
    expect([other.claim(), ring.claim(), other.claim(), ring.claim()]).toEqual([
      { sequence: 0, leaf: 3 },
      { sequence: 1, leaf: 5 },
      { sequence: 2, leaf: 9 },
      undefined,
    ]);
  });

  test('takes no more than its slots until some are claimed, and goes round', () => {
    const ring = new WorkRing();
    let published = 0;
    while (ring.publish(published)) published += 1;
    expect(published).toBeGreaterThan(100);
    for (let leaf = 0; leaf < 3 * published; leaf += 1) {
      expect(ring.claim()).toEqual({ sequence: leaf, leaf });
      expect(ring.publish(published + leaf)).toBe(true);
    }
  });

  test('tells those who wait that something came, or that nothing will', async () => {
    const ring = new WorkRing();
    expect(ring.claim()).toBe('none yet');
    const seen = ring.changes;
    const woken = ring.changed(seen);
    ring.publish(7);
    await woken;
    expect(ring.claim()).toEqual({ sequence: 0, leaf: 7 });
    const last = ring.changed(ring.changes);
    ring.close();
    await last;
    expect(ring.claim()).toBeUndefined();
  });

  test('no more is claimed than the limit allows, and those who wait are woken when it rises', async () => {
    const ring = new WorkRing();
    ring.publish(4);
    ring.publish(6);
    ring.limit(1);
    expect(ring.claim()).toEqual({ sequence: 0, leaf: 4 });
    const seen = ring.changes;
    expect(ring.claim()).toBe('none yet');
    const woken = ring.changed(seen);
    ring.limit(2);
    await woken;
    expect(ring.claim()).toEqual({ sequence: 1, leaf: 6 });
  });

  test('a stop ends the wait at a limit, and so does the end of what there is', () => {
    const held = new WorkRing();
    held.publish(1);
    held.limit(0);
    held.stop();
    expect(held.claim()).toBeUndefined();
    const empty = new WorkRing();
    empty.limit(0);
    empty.close();
    expect(empty.claim()).toBeUndefined();
  });

  test('a stop takes back what nobody has claimed', () => {
    const ring = new WorkRing();
    ring.publish(1);
    ring.stop();
    expect(ring.stopped).toBe(true);
    expect(ring.claim()).toBeUndefined();
  });
});
