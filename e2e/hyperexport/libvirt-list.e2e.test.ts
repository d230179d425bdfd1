import { spawnSync } from 'node:child_process';
import { chmod } from 'node:fs/promises';
import { missing } from '@hypersdk/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { defineGuest } from '../../packages/providers/src/libvirt/build-guest.ts';
import { type Libvirtd, openLibvirtd } from '../../packages/providers/src/libvirt/build-libvirtd.ts';
import { LAUNCHER, run } from './program.ts';
import { runOnScreen } from './screen-model.ts';
import { openWorkshop, type Workshop } from './workshop.ts';

const TIMEOUT_MS = 120_000;

describe.skipIf(missing('libvirtd', 'virsh', 'qemu-system-x86_64', 'qemu-img', 'qemu-io'))('listing a connection', { timeout: TIMEOUT_MS }, () => {
  const opened = new AsyncDisposableStack();
  let daemon: Libvirtd;
  let workshop: Workshop;
  let uuid = '';

  beforeAll(async () => {
    daemon = opened.use(await openLibvirtd());
    workshop = opened.use(await openWorkshop());
    uuid = await defineGuest(daemon, { name: 'web-01', kind: 'deaf', disks: ['vda', 'vdb'] });
    await defineGuest(daemon, { name: 'db-01', kind: 'deaf' });
    daemon.virsh('start', 'db-01');
  }, TIMEOUT_MS);
  afterAll(() => opened.disposeAsync());

  test('shows its VMs to people', async () => {
    const { code, stdout } = await run(['list', daemon.uri], workshop);
    expect(code).toBe(0);
    expect(stdout.split('\n').map((line) => line.replaceAll(/ {2,}/g, '  ').trimEnd())).toEqual([
      'NAME  STATE  CPUS  MEMORY  DISKS  SIZE  FORMAT  ID',
      expect.stringMatching(/^db-01 {2}running {2}1 {2}32 MiB {2}1 {2}64 MiB {2}qcow2 {2}[0-9a-f-]{36}$/),
      `web-01  stopped  1  32 MiB  2  128 MiB  qcow2  ${uuid}`,
      '',
    ]);
  });

  test('and to programs, narrowed down', async () => {
    const { code, stdout } = await run(['list', daemon.uri, '--state', 'stopped', '--json'], workshop);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      vms: [{ id: uuid, name: 'web-01', provider: 'libvirt', disks: [{ id: 'vda' }, { id: 'vdb' }] }],
      problems: [],
    });
  });

  test.skipIf(missing('python3'))('looks through them in full screen, and the export that it makes is of that connection', async () => {
    const screen = runOnScreen(['browse', daemon.uri, '--to', workshop.path('.')], { ...workshop, columns: 120, rows: 40 });
    await screen.sees(/\[ \] db-01 +running [\s\S]*\[ \] web-01 +stopped .*128 MiB/);
    screen.type('d');
    await screen.sees(/vda: 64 MiB qcow2/);
    screen.type('d\r');
    await screen.sees(/Export of db-01[\s\S]*hyperexport export [\s\S]*qemu:/);
    screen.type('\r');
    await screen.sees(/db-01 .* copy .*ready/);
    screen.type('\u0003');
    await screen.ended;
  });

  test.each([
    ['an address with a slip in it', 'qemu:///sytem', 64, 'after the host comes /system or /session'],
    ['a daemon that does not run', 'qemu:///session?socket=/nowhere/libvirt-sock', 69, 'systemctl start libvirtd'],
    ['a machine that is not there', 'qemu+ssh://127.0.0.1:1/system', 69, 'Connection refused'],
    ['something else', 'xen:///system', 64, 'it is an address'],
  ])('says what is wrong with %s', async (...[, uri, exit, why]) => {
    const { code, stderr } = await run(['list', uri], workshop);
    expect(stderr).toContain(why);
    expect(code).toBe(exit);
  });

  test.skipIf(missing('setpriv'))('says who may not use the socket, and what would help', async () => {
    await chmod(daemon.socket, 0);
    // Even root may not, without the capabilities that set permissions aside.
    const [program, ...args] = [
      ...(process.getuid?.() === 0 ? ['setpriv', '--bounding-set=-dac_override,-dac_read_search'] : []),
      process.execPath,
      LAUNCHER,
      'list',
      daemon.uri,
    ];
    const { status, stderr } = spawnSync(program ?? '', args, { encoding: 'utf8', env: { PATH: process.env['PATH'], HOME: workshop.state } });
    await chmod(daemon.socket, 0o700);
    expect(stderr).toMatch(/may not be used by this user.*the group libvirt/);
    expect(status).toBe(77);
  });
});
