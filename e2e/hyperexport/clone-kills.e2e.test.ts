import { execFileSync, spawnSync } from 'node:child_process';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { missing } from '@hypersdk/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { defineGuest, diskPath } from '../../packages/providers/src/libvirt/build-guest.ts';
import { type Libvirtd, openLibvirtd } from '../../packages/providers/src/libvirt/build-libvirtd.ts';
import { makePool } from '../../packages/providers/src/libvirt/restore/build-pool.ts';
import { documentOf, run } from './program.ts';
import { openWorkshop, type Workshop } from './workshop.ts';

const TIMEOUT_MS = 300_000;
const CLONE = fileURLToPath(new URL('clone-and-die.ts', import.meta.url));

describe.skipIf(missing('libvirtd', 'virsh', 'qemu-system-x86_64', 'qemu-img', 'qemu-io'))('clones that are killed', { timeout: TIMEOUT_MS }, () => {
  let daemon: Libvirtd;
  let workshop: Workshop;
  let images = '';
  let source = '';

  beforeAll(async () => {
    daemon = await openLibvirtd();
    workshop = await openWorkshop();
    images = await makePool(daemon, 'default', join(daemon.folder, 'images'));
    source = await defineGuest(daemon, { name: 'web-01', kind: 'deaf', disks: ['vda', 'vdb'] });
    for (const disk of ['vda', 'vdb']) execFileSync('qemu-io', ['-f', 'qcow2', '-c', 'write -q -P 9 1M 60M', diskPath(daemon, 'web-01', disk)]);
    await mkdir(join(workshop.state, 'effects'), { recursive: true });
  }, TIMEOUT_MS);
  afterAll(async () => {
    await daemon?.[Symbol.asyncDispose]();
    await workshop?.[Symbol.asyncDispose]();
  });

  const residue = async (...flags: readonly string[]): Promise<unknown> =>
    documentOf(await run(['residue', daemon.uri, '--json', ...flags], { state: workshop.state }));

  function killedAt(moment: string): void {
    const { signal, stderr } = spawnSync(process.execPath, [CLONE, daemon.uri, source, 'copy', join(workshop.state, 'effects'), moment], {
      encoding: 'utf8',
    });
    expect(signal, stderr).toBe('SIGKILL');
  }

  test.each(['intend 1', 'sent 1', 'intend 2', 'sent 2', 'intend 3'])('nothing is left of one that is killed at "%s"', async (moment) => {
    const before = await readdir(images);
    killedAt(moment);
    await residue('--remove');
    expect(await residue()).toMatchObject({ removed: [], absent: [], unknown: [], failed: [] });
    expect(await readdir(images)).toEqual(before);
    expect(daemon.virsh('list', '--all', '--name').trim().split('\n')).toEqual(['web-01']);
  });

  test('one that is whole when it is killed stays, and only its records are taken away', async () => {
    killedAt('settle 1');
    expect(await residue('--remove')).toMatchObject({ removed: [], unknown: [], failed: [] });
    expect(await residue()).toMatchObject({ removed: [], absent: [], unknown: [], failed: [] });
    for (const [disk] of daemon.virsh('domblklist', 'copy').matchAll(/vd\w/g)) {
      const [copy = ''] = new RegExp(`/\\S*-copy-${disk}\\.qcow2`).exec(daemon.virsh('domblklist', 'copy')) ?? [];
      execFileSync('qemu-img', ['compare', '-q', diskPath(daemon, 'web-01', disk), copy]);
    }
    daemon.virsh('start', 'copy');
    daemon.virsh('destroy', 'copy');
  });
});
