import { describe, expect, test } from 'vitest';
import { runOf, SCRATCH_FOLDER_LENGTH_MAX, scratchPath, socketPath, tagOf } from './effect-names.ts';

const uuid = '0fb9d2a1-1111-2222-3333-444455556666';

describe('names of what a run makes', () => {
  test('the run is found again in each', () => {
    const tag = tagOf('01JGFJJZ000000000000000001', uuid);
    for (const name of [tag, socketPath('/var/tmp', tag), scratchPath('/var/tmp', tag, 'vda')])
      expect(runOf(name)).toBe('01JGFJJZ000000000000000001');
  });

  test('of two VMs are two, also when their UUIDs were made by hand and begin alike', () => {
    const tags = [1, 2].map((number) => tagOf('01JGFJJZ000000000000000001', `00000000-0000-0000-0000-00000000000${number}`));
    expect(new Set(tags).size).toBe(2);
  });

  test('leave room for the longest folder in the path of a socket', () => {
    const socket = socketPath('x'.repeat(SCRATCH_FOLDER_LENGTH_MAX), tagOf('01JGFJJZ000000000000000001', uuid));
    // unix(7): 108 bytes with the zero behind them.
    expect(socket.length).toBeLessThan(108);
  });

  test.each(['virtnbdbackup.0', 'hypersdk-', 'hypersdk-run', 'hypersdk-run-0fb9d2a', 'my-hypersdk-run-0fb9d2a1', '/hypersdk-run-0fb9d2a1/other', ''])(
    '%j is not ours',
    (name) => {
      expect(runOf(name)).toBeUndefined();
    },
  );
});
