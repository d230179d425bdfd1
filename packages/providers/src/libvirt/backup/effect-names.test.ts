import { describe, expect, test } from 'vitest';
import { runOf, scratchPath, socketPath, tagOf } from './effect-names.ts';

const uuid = '0fb9d2a1-1111-2222-3333-444455556666';

describe('names of what a run makes', () => {
  test('the run is found again in each', () => {
    const tag = tagOf('01JGFJJZ000000000000000001', uuid);
    for (const name of [tag, socketPath('/var/tmp', tag), scratchPath('/var/tmp', tag, 'vda')])
      expect(runOf(name)).toBe('01JGFJJZ000000000000000001');
  });

  test.each(['virtnbdbackup.0', 'hypersdk-', 'hypersdk-run', 'hypersdk-run-0fb9d2a', 'my-hypersdk-run-0fb9d2a1', '/hypersdk-run-0fb9d2a1/other', ''])(
    '%j is not ours',
    (name) => {
      expect(runOf(name)).toBeUndefined();
    },
  );
});
