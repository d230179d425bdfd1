import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { missing } from '@hypersdk/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openLibvirtd } from '../../packages/providers/src/libvirt/build-libvirtd.ts';
import { run, type Ended } from '../hyperexport/program.ts';
import { buildLinuxGuest, hasSystemParts } from './linux-guest.ts';
import { GREETING } from './linux-scripts.ts';

const isPossible =
  !missing('virt-v2v', 'virt-v2v-in-place', 'qemu-img', 'qemu-system-x86_64', 'bwrap', 'libvirtd', 'virsh', 'grub-mkimage', 'mkfs.ext4', 'depmod') &&
  hasSystemParts();
/** Emulated, and on a busy machine, a conversion takes two to five minutes and a start one. */
const PATIENCE_MS = 900_000;

let folder: string;
const at = (name: string): string => join(folder, name);
const hyperexport = (...args: readonly string[]): Promise<Ended> => run(args, { state: at('state') });
const boot = (path: string, controller: string): Promise<Ended> =>
  hyperexport('boot', path, '--firmware', 'bios', '--controller', controller, '--memory', '512M', '--evidence', at('evidence'));

async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  for (const name of (await readdir(path)).toSorted()) hash.update(name).update(await readFile(join(path, name)));
  return hash.digest('hex');
}

const VM = `<domain type='kvm'><name>web-01</name><memory unit='MiB'>512</memory><vcpu>1</vcpu><os><type>hvm</type></os><devices>
  <disk device='disk'><driver type='raw'/><source file='web-01.raw'/><target dev='hda' bus='ide'/></disk></devices></domain>`;

describe.skipIf(!isPossible)('a guest that was installed on IDE', { timeout: PATIENCE_MS }, () => {
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'convert-'));
    // Read by a daemon of another user.
    await chmod(folder, 0o755);
    for (const name of ['vms', 'out', 'evidence']) await mkdir(at(name));
    await buildLinuxGuest(at('vms/web-01.raw'));
    await writeFile(at('vms/web-01.xml'), VM);
  }, PATIENCE_MS);
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test('starts there, and does not find its root on virtio', async () => {
    expect(await boot(at('vms/web-01.raw'), 'ide')).toMatchObject({ code: 0, stdout: expect.stringContaining(`booted ("${GREETING}")`) });
    expect(await boot(at('vms/web-01.raw'), 'virtio')).toMatchObject({ code: 1, stderr: expect.stringContaining('emergency shell') });
  });

  test('is made fit for virtio by adapt, whose original does not change by a byte', async () => {
    expect(await hyperexport('export', at('vms'), 'web-01', '--to', at('out'), '--quiet')).toMatchObject({ code: 0, stderr: '' });
    const before = await digestOf(at('out/web-01'));
    const ended = await hyperexport('adapt', at('out/web-01'), '--json');
    expect(ended, ended.stderr).toMatchObject({ code: 0 });
    expect(ended.stderr).toContain('Converting');
    expect(JSON.parse(ended.stdout)).toMatchObject({
      folder: at('out/web-01-kvm'),
      convertedFrom: { export: 'web-01', by: { name: 'virt-v2v-in-place' } },
      warnings: [expect.stringContaining('Grub2')],
    });
    expect(await digestOf(at('out/web-01'))).toBe(before);
    expect(await hyperexport('verify', at('out/web-01'))).toMatchObject({ code: 0 });
    expect(await hyperexport('verify', at('out/web-01-kvm'))).toMatchObject({ code: 0 });
    expect(await boot(at('out/web-01-kvm'), 'virtio')).toMatchObject({ code: 0, stdout: expect.stringContaining(`booted ("${GREETING}")`) });
    expect((await readdir('/var/tmp')).filter((name) => name.startsWith('hypersdk-guest-'))).toEqual([]);
  });

  test('is imported from our OVA into a real libvirt by virt-v2v, and starts on virtio', async () => {
    await using daemon = await openLibvirtd();
    const pool = join(daemon.folder, 'images');
    daemon.virsh('pool-create-as', 'images', 'dir', '--target', pool);
    expect(await hyperexport('export', at('vms'), 'web-01', '--to', at('out'), '--name', 'ova', '--format', 'ova', '--quiet')).toMatchObject({
      code: 0,
    });
    const into = ['-o', 'libvirt', '-oc', daemon.uri, '-os', 'images', '-of', 'qcow2'];
    const { stdout, stderr } = await promisify(execFile)('virt-v2v', ['-i', 'ova', at('out/ova/ova.ova'), ...into], {
      env: { ...process.env, LIBGUESTFS_BACKEND: 'direct', LIBGUESTFS_BACKEND_SETTINGS: 'force_tcg' },
      timeout: PATIENCE_MS,
    });
    // Where the daemon has no KVM it refuses a guest of that type, and virt-v2v leaves the description for whoever changes that.
    const left = /libvirt XML is still available in .(\S+\.xml)/.exec(stdout + stderr)?.[1];
    if (left !== undefined) {
      const described = join(daemon.folder, 'web-01.xml');
      await writeFile(described, (await readFile(left, 'utf8')).replace("<domain type='kvm'", "<domain type='qemu'"));
      await rm(left);
      daemon.virsh('define', described);
    }
    expect(daemon.virsh('list', '--all', '--name').trim(), stdout + stderr).toBe('web-01');
    expect(daemon.virsh('dumpxml', 'web-01')).toMatch(/<target dev='vda' bus='virtio'\/>/);
    expect(await boot(join(pool, 'web-01-sda'), 'virtio')).toMatchObject({ code: 0, stdout: expect.stringContaining(`booted ("${GREETING}")`) });
  });
});
