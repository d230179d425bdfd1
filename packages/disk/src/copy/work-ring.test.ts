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
    const seen = ring.published;
    const woken = ring.changed(seen);
    ring.publish(7);
    await woken;
    expect(ring.claim()).toEqual({ sequence: 0, leaf: 7 });
    const last = ring.changed(ring.published);
    ring.close();
    await last;
    expect(ring.claim()).toBeUndefined();
  });

  test('a stop takes back what nobody has claimed', () => {
    const ring = new WorkRing();
    ring.publish(1);
    ring.stop();
    expect(ring.stopped).toBe(true);
    expect(ring.claim()).toBeUndefined();
  });
});
