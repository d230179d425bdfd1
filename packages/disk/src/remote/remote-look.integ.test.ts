import { mkdtempSync, rmSync } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MIB, type GuestLook } from '@hypersdk/domain';
import { calm, missing } from '@hypersdk/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { lookAt, makeCloudDisk, run } from '../guest/build-guest-disk.ts';
import { startNginx } from './http/build-nginx.ts';
import { webImages } from './http/web-images.ts';
import { startPeer } from './build-nbd-peers.ts';
import { nbdDisks } from './nbd-disks.ts';

const TIMEOUT_MS = 120_000;
/** Of 100 MiB: blocks that hold tables, and what is read ahead of them. */
const READ_MAX = 40 * MIB;
const FILE_SYSTEMS = ['sfdisk', 'mkfs.ext4', 'mkfs.vfat', 'mmd', 'mcopy'] as const;

describe.skipIf(missing(...FILE_SYSTEMS, 'qemu-img'))('what lies on a disk is seen', () => {
  let folder = '';
  let disk = '';
  let expected: GuestLook;
  const file = (name: string): string => join(folder, name);

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'remote-look-'));
    disk = makeCloudDisk(folder, 'cloud.raw');
    run('qemu-img', ['convert', '-f', 'raw', '-O', 'qcow2', disk, file('cloud.qcow2')]);
    expected = await lookAt(disk);
  }, TIMEOUT_MS);
  afterAll(() => rmSync(folder, { recursive: true }));

  test.skipIf(missing('qemu-nbd'))(
    'over the one connection that a server of NBD takes',
    async () => {
      const socket = file('one.sock');
      await using _peer = await startPeer('qemu-nbd', ['-r', '-f', 'qcow2', '-k', socket, file('cloud.qcow2')], socket);
      const locator = nbdDisks.locate(`nbd+unix:///?socket=${socket}`, { allowsPlaintext: false, pointInTime: 'now' });
      const about = locator && (await nbdDisks.inspect(locator, { ...calm, looks: true }));
      expect(about?.look?.guest).toEqual(expected);
      expect(about?.look?.bytesRead).toBeGreaterThan(0);
      expect(about?.look?.bytesRead).toBeLessThan(READ_MAX);
    },
    TIMEOUT_MS,
  );

  test.skipIf(missing('nginx', 'openssl'))(
    'in an image on a web server, from a part of the file',
    async () => {
      await using nginx = await startNginx();
      await copyFile(file('cloud.qcow2'), join(nginx.folder, 'cloud.qcow2'));
      const located = await webImages.locate(`${nginx.http}/cloud.qcow2`, calm);
      const look = located && (await webImages.look(located, calm));
      expect(look?.guest).toEqual(expected);
      expect(look?.bytesRead).toBeLessThan(READ_MAX);
    },
    TIMEOUT_MS,
  );
});
