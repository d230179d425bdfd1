import { describe, expect, test } from 'vitest';
import type { DomainNews } from '../domain-watch.ts';
import { toVMEvent } from './to-vm-event.ts';

const UUID = '6695eb01-f6a4-8304-79aa-97f2502e193f';
const head = { callbackId: 1, domain: { name: 'web', uuid: UUID, id: 3 } };
const of = { vm: UUID, name: 'web' };
const lifecycle = (event: number, detail = 0): DomainNews => ({ name: 'lifecycle', message: { ...head, event, detail } });

describe('an event of libvirt', () => {
  test('says what happened in words', () => {
    for (const [news, expected] of [
      [lifecycle(0, 0), { kind: 'created' }],
      [lifecycle(0, 1), { kind: 'changed' }],
      [lifecycle(1, 0), { kind: 'removed' }],
      [lifecycle(2), { kind: 'started' }],
      [lifecycle(3, 0), { kind: 'suspended', reason: 'asked' }],
      [lifecycle(3, 2), { kind: 'suspended', reason: 'io-error' }],
      [lifecycle(4), { kind: 'resumed' }],
      [lifecycle(5, 1), { kind: 'stopped', reason: 'powered-off' }],
      [lifecycle(5, 2), { kind: 'stopped', reason: 'crashed' }],
      [lifecycle(5, 99), { kind: 'stopped', reason: 'unknown' }],
      [lifecycle(6), { kind: 'stopping' }],
      [lifecycle(7), { kind: 'suspended', reason: 'asleep' }],
      [lifecycle(8), { kind: 'crashed' }],
      [
        { name: 'blockJob', message: { ...head, disk: 'vda', type: 4, status: 3 } },
        { kind: 'disk-job', disk: 'vda', job: 'commit', state: 'ready' },
      ],
      [
        { name: 'blockJob', message: { ...head, disk: 'vda', type: 77, status: 77 } },
        { kind: 'disk-job', disk: 'vda', job: 'unknown', state: 'unknown' },
      ],
      [
        { name: 'jobCompleted', message: { ...head, params: [{ field: 'success', value: true }] } },
        { kind: 'job-ended', isSuccess: true },
      ],
      [{ name: 'jobCompleted', message: { ...head, params: [] } }, { kind: 'job-ended' }],
      [
        { name: 'trayChange', message: { ...head, device: 'ide0-1-0', reason: 0 } },
        { kind: 'tray-opened', device: 'ide0-1-0' },
      ],
      [
        { name: 'agent', message: { ...head, state: 2, reason: 0 } },
        { kind: 'agent', isConnected: false },
      ],
    ] as const satisfies readonly (readonly [DomainNews, object])[]) {
      expect(toVMEvent(news)).toEqual({ ...of, ...expected });
    }
  });

  test('of a renaming is told once, and one that nobody knows not at all', () => {
    expect(toVMEvent(lifecycle(1, 1))).toBeUndefined();
    expect(toVMEvent(lifecycle(42))).toBeUndefined();
  });

  test('has names that can be shown, whatever the server calls things', () => {
    const domain = { name: 'a\u001b[31m\nb', uuid: UUID, id: 3 };
    expect(toVMEvent({ name: 'deviceAdded', message: { callbackId: 1, domain, device: 'net\u0007'.repeat(1000) } })).toMatchObject({
      name: 'a [31m b',
      device: expect.stringMatching(/^[a-z ]{1,256}$/),
    });
  });
});
