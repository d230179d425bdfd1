import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { VMInfo } from '@hypersdk/domain';
import { calm, missing } from '@hypersdk/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { defineGuest, diskPath } from './build-guest.ts';
import { type Libvirtd, openLibvirtd } from './build-libvirtd.ts';
import { libvirtProvider } from './libvirt-provider.ts';

const COUNT = 1000;
/** Two seconds is the bar; the machine that runs the tests may be busy. */
const LIST_MS = 10_000;
const CHANGED_MS = 2000;
const TIMEOUT_MS = 120_000;

describe.skipIf(missing('libvirtd', 'virsh', 'qemu-system-x86_64', 'qemu-img', 'qemu-io'))(`${COUNT} domains`, { timeout: TIMEOUT_MS }, () => {
  let daemon: Libvirtd | undefined;

  beforeAll(async () => {
    daemon = await openLibvirtd();
    await defineGuest(daemon, { name: 'vm-0', kind: 'deaf' });
    const script: string[] = [];
    const xml = daemon
      .virsh('dumpxml', 'vm-0')
      .replace(/<uuid>.*<\/uuid>/, '')
      .replace(/<mac address=.*\/>/, '');
    for (let number = 1; number < COUNT; number += 1) {
      const file = join(daemon.folder, `${number}.xml`);
      await writeFile(file, xml.replace('<name>vm-0<', `<name>vm-${number}<`));
      script.push(`define ${file}`);
    }
    // One client for all: commands come apart at semicolons.
    daemon.virsh(script.join('; '));
  }, TIMEOUT_MS);
  afterAll(() => daemon?.[Symbol.asyncDispose]());

  test('are listed fast, and afterwards at the cost of what changed', async () => {
    if (!daemon) return expect.fail('The daemon does not run.');
    const config = libvirtProvider.parse({ uri: daemon.uri });
    const begun = performance.now();
    await using session = await libvirtProvider.open(config, calm);
    const { inventory } = session.facets;
    const list = (): Promise<VMInfo[]> => Array.fromAsync(inventory.list(calm));
    const first = await list();
    const listMs = performance.now() - begun;
    expect(new Set(first.map(({ name }) => name)).size).toBe(COUNT);
    expect(first[0]?.disks).toMatchObject([{ id: 'vda', location: diskPath(daemon, 'vm-0', 'vda'), virtualSize: 64 * 1024 * 1024 }]);
    expect(listMs).toBeLessThan(LIST_MS);

    daemon.virsh('undefine', 'vm-7');
    daemon.virsh('start', 'vm-3');
    await expect.poll(async () => (await list()).length).toBe(COUNT - 1);
    const again = performance.now();
    const second = await list();
    expect(performance.now() - again).toBeLessThan(CHANGED_MS);
    expect(second.filter(({ powerState }) => powerState === 'running').map(({ name }) => name)).toEqual(['vm-3']);
    daemon.virsh('destroy', 'vm-3');
    return undefined;
  });
});
