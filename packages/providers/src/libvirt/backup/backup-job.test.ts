import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { openLyingServer, resultOf } from '../rpc/build-libvirt-server.ts';
import { procedures } from '../rpc/procedures.ts';
import { beginBackup } from './backup-job.ts';

const { domainFsFreeze, domainFsThaw, backupBegin } = procedures;
const domain = { name: 'web-01', uuid: '4dea22b3-1d52-d8f3-2516-782e98ab3fa0', id: 3 };
const plan = { socket: '/var/tmp/x.sock', disks: [{ target: 'vda', scratch: '/var/tmp/x.scratch', isRecorded: false }] };
/** A guest with much to write out is slow to freeze. */
const FREEZING_MS = 50;

describe('a guest that is frozen for a backup', () => {
  test.each([
    ['before it is frozen', 'domainFsFreeze'],
    ['while the backup begins', 'backupBegin'],
  ] as const)('goes on when the export is called off %s', async (_, moment) => {
    const cancel = new AbortController();
    let isFrozen = false;
    const seen: number[] = [];
    await using server = await openLyingServer(({ procedure, serial }, end) => {
      seen.push(procedure);
      if (procedure === procedures[moment].number) cancel.abort(new Error('enough'));
      if (procedure === backupBegin.number) return end.send({ procedure, serial });
      const answer = (): void => {
        isFrozen = procedure === domainFsFreeze.number;
        end.send({ procedure, serial }, resultOf(domainFsThaw, { count: 1 }));
      };
      if (procedure === domainFsFreeze.number) setTimeout(answer, FREEZING_MS);
      else answer();
    });
    await expect(beginBackup(server.client, domain, { signal: cancel.signal, plan, freezes: true })).rejects.toThrow('enough');
    await delay(2 * FREEZING_MS);
    expect([isFrozen, seen[0], seen.at(-1)]).toEqual([false, domainFsFreeze.number, domainFsThaw.number]);
    expect(seen.includes(backupBegin.number)).toBe(moment === 'backupBegin');
  });
});
