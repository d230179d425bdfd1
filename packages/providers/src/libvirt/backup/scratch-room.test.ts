import { expectRefusal } from '@hypersdk/testkit';
import { describe, expect, test } from 'vitest';
import { readRoom, requireRoom, reserveOf } from './scratch-room.ts';

const GIB = 1024 ** 3;

describe('room for scratch files', () => {
  test('what df says of a folder far away', () => {
    const text =
      'Filesystem     1024-blocks     Used Available Capacity Mounted on\n/dev/mapper/a b  102400000 40000000  60000000      40% /var/tmp\n';
    expect(readRoom(text)).toEqual({ size: 102_400_000 * 1024, free: 60_000_000 * 1024 });
    expect(readRoom('df: no such option\n')).toBeUndefined();
  });

  test('a twentieth is left to the host, of large disks a gibibyte, of small ones what a guest writes at once', () => {
    expect(reserveOf({ size: 10 * GIB, free: 0 })).toBe(GIB / 2);
    expect(reserveOf({ size: 1000 * GIB, free: 0 })).toBe(GIB);
    expect(reserveOf({ size: GIB / 4, free: 0 })).toBe(GIB / 16);
  });

  test('a backup does not begin where only the reserve is free', async () => {
    requireRoom({ size: 10 * GIB, free: GIB }, { folder: '/s', worst: 20 * GIB });
    const refusal = await expectRefusal(
      Promise.resolve().then(() => requireRoom({ size: 10 * GIB, free: GIB / 4 }, { folder: '/s', worst: 20 * GIB })),
      'source/scratch-full',
    );
    expect(refusal.message).toMatch(/\/s: only 256 MiB are free.*512 MiB.*20 GiB/);
  });
});
