import type { BootVerdict } from '@hypersdk/domain';
import { expect, test } from 'vitest';
import { describeBoot } from './describe-boot.ts';
import type { GuestProof } from './prove-guest.ts';

const plain = { paint: (_style: string, text: string): string => text };
const proofOf = (verdict: BootVerdict): GuestProof => ({
  record: {
    kind: 'hypersdk.boot-record',
    version: 1,
    tool: { name: 'hyperexport', version: '1' },
    startedAt: '2026-01-01T00:00:00.000Z',
    finishedAt: '2026-01-01T00:01:00.000Z',
    disks: [],
    attempts: [],
    verdict,
  },
  files: ['/x/boot.png'],
});

test('a verdict that is an error is left to the error, so that it is said once', () => {
  expect(describeBoot(proofOf({ kind: 'unclear', reason: 'nothing came' }), 'web-01', plain)).toBe('web-01\nscreenshot  /x/boot.png\n');
  expect(describeBoot(proofOf({ kind: 'booted', sign: 'login:' }), 'web-01', plain)).toContain('web-01: booted ("login:")\n');
});
