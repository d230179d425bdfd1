import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, delimiter, join } from 'node:path';
import { openVirtV2vConverter } from '@hypersdk/adapters';
import { openTransfer } from '@hypersdk/disk';
import { MIB } from '@hypersdk/domain';
import type { ConversionRequest } from '@hypersdk/ports';
import { guestConverterContract, missing, type GuestConverterSubject } from '@hypersdk/testkit';
import { afterAll, beforeAll, describe } from 'vitest';
import { buildLinuxGuest, hasSystemParts } from './linux-guest.ts';

const isPossible = !missing('virt-v2v-in-place', 'qemu-img', 'bwrap', 'grub-mkimage', 'mkfs.ext4', 'depmod') && hasSystemParts();
const SEARCH_PATH = (process.env['PATH'] ?? '').split(delimiter);

let guests: string;

/** A work folder of its own for each check, whose name is part of every command line and environment in it. */
async function open(): Promise<GuestConverterSubject> {
  const work = await mkdtemp(join(tmpdir(), 'v2v-'));
  const transfer = openTransfer({ workers: 1 });
  const request = (...names: readonly string[]): ConversionRequest => ({
    name: 'web-01',
    firmware: 'bios',
    accelerator: 'tcg',
    disks: names.map((name) => ({ path: join(guests, name), format: 'raw' })),
    work,
    timeLimitMs: 600_000,
  });
  const signal = new AbortController().signal;
  return {
    converter: await openVirtV2vConverter({ searchPath: SEARCH_PATH, unsandboxed: false }),
    convertible: request('system.raw', 'other.raw'),
    empty: request('blank.raw'),
    contentOf: async (image) => (await transfer.digest({ kind: 'image', image }, { signal })).root,
    digest: async () => {
      const hash = createHash('sha256');
      for (const name of await readdir(guests)) hash.update(await readFile(join(guests, name)));
      return hash.digest('hex');
    },
    remains: () => countProcesses(basename(work)),
    [Symbol.asyncDispose]: async () => {
      await transfer[Symbol.asyncDispose]();
      await rm(work, { recursive: true, force: true });
    },
  };
}

async function countProcesses(mark: string): Promise<number> {
  const ids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const texts = await Promise.all(ids.map((id) => readFile(`/proc/${id}/environ`, 'latin1').catch(() => '')));
  return texts.filter((text) => text.includes(mark)).length;
}

describe.skipIf(!isPossible)('virt-v2v', () => {
  beforeAll(async () => {
    guests = await mkdtemp(join(tmpdir(), 'v2v-guests-'));
    await mkdir(guests, { recursive: true });
    await buildLinuxGuest(join(guests, 'system.raw'));
    await writeFile(join(guests, 'other.raw'), Buffer.alloc(MIB, 7));
    await writeFile(join(guests, 'blank.raw'), Buffer.alloc(MIB));
  });
  afterAll(() => rm(guests, { recursive: true, force: true }));

  guestConverterContract(open);
});
