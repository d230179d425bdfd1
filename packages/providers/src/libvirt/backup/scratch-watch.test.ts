import { HyperError } from '@hypersdk/domain';
import { describe, expect, test } from 'vitest';
import type { Caller } from '../rpc/rpc-client.ts';
import { ScratchWatch } from './scratch-watch.ts';

const GIB = 2 ** 30;
const domain = { name: 'web-01', uuid: '00000000-0000-4000-8000-000000000001', id: 1 };
const socket = '/scratch/x.sock';

/** A server with one backup, which refuses to abort it as often as it is told to. */
function serverThatRefuses(times: number) {
  const seen = { aborts: 0, isThere: true };
  const answers: Readonly<Record<string, () => unknown>> = {
    backupGetXml: () => {
      if (seen.isThere) return { xml: `<domainbackup mode='pull'><server transport='unix' socket='${socket}'/></domainbackup>` };
      throw new HyperError('libvirt/failed', 'There is no backup.', { detail: { libvirtCode: 104 } });
    },
    domainAbortJob: () => {
      seen.aborts += 1;
      if (seen.aborts <= times) throw new HyperError('vm/busy', 'Another job holds the VM.', { detail: { libvirtCode: 68 } });
      seen.isThere = false;
      return {};
    },
    domainGetState: () => ({ state: 1, reason: 1 }),
    domainGetJobStats: () => ({ type: 0, params: [] }),
  };
  const caller: Caller = { call: async (procedure) => (answers[procedure.name]?.() ?? {}) as never };
  return { caller, seen };
}

async function watchUntilGone({ caller, seen }: ReturnType<typeof serverThatRefuses>, free: number): Promise<ScratchWatch> {
  const room = { free: 10 * GIB, size: 100 * GIB };
  const watch = new ScratchWatch({ caller, domain, folder: '/scratch', room, measure: async () => ({ ...room, free }), socket });
  for (const until = performance.now() + 10_000; seen.isThere && performance.now() < until;) await new Promise((resolve) => setTimeout(resolve, 20));
  return watch;
}

describe('watching the room for scratch files', () => {
  test('a backup is ended before the disk is full, and why is told', async () => {
    const server = serverThatRefuses(0);
    await using watch = await watchUntilGone(server, 1000);
    expect(server.seen).toEqual({ aborts: 1, isThere: false });
    expect(watch.failure).toMatchObject({ code: 'source/scratch-full' });
  });

  test('one that cannot be ended at once is ended by a later look, and does not go on filling the disk', { timeout: 20_000 }, async () => {
    const server = serverThatRefuses(2);
    await using watch = await watchUntilGone(server, 1000);
    expect(server.seen).toEqual({ aborts: 3, isThere: false });
    expect(watch.failure).toMatchObject({ code: 'source/scratch-full' });
  });
});
