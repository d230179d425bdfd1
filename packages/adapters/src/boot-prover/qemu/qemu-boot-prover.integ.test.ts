import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, delimiter, join } from 'node:path';
import { MIB } from '@hypersdk/domain';
import type { BootMachine } from '@hypersdk/ports';
import { bootProverContract, missing, type BootProverSubject } from '@hypersdk/testkit';
import { describe, expect, test } from 'vitest';
import { buildBootSector, type TinyGuest } from './build-boot-sector.ts';
import { findTools } from './find-tools.ts';
import { QemuBootProver } from './qemu-boot-prover.ts';

const SEARCH_PATH = (process.env['PATH'] ?? '').split(delimiter);
const SAYS = 'A guest of one sector lives.';

/** Guests in a folder of their own, whose name is part of every command line that works on them. */
async function open({ hasBubblewrap }: { readonly hasBubblewrap: boolean }): Promise<BootProverSubject> {
  const folder = await mkdtemp(join(tmpdir(), 'boot-prover-test-'));
  const mark = basename(folder);
  const write = async (name: string, guest: TinyGuest): Promise<BootMachine> => {
    const path = join(folder, `${mark}-${name}.raw`);
    await writeFile(path, Buffer.concat([buildBootSector(guest), Buffer.alloc(MIB - 512)]));
    return { disks: [{ path, format: 'raw', beside: [] }], firmware: 'bios', controller: 'sata', accelerator: 'tcg', memory: 64 * MIB, cpus: 1 };
  };
  const waiting = await write('waiting', { says: SAYS, writes: true, afterwards: 'idle' });
  const ending = await write('ending', { says: SAYS, writes: false, afterwards: 'off' });
  return {
    prover: new QemuBootProver({ searchPath: hasBubblewrap ? SEARCH_PATH : [await withoutBubblewrap(folder)], unsandboxed: false }),
    waiting,
    ending,
    says: SAYS,
    digest: async () => {
      const bytes = await Promise.all([waiting, ending].map(({ disks: [disk] }) => readFile(disk?.path ?? '')));
      return createHash('sha256').update(Buffer.concat(bytes)).digest('hex');
    },
    remains: () => countProcesses(mark),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

/** A folder with all programs that a proof needs but the one that shuts it in. */
async function withoutBubblewrap(folder: string): Promise<string> {
  const [tools] = findTools(SEARCH_PATH, { unsandboxed: true }).choices;
  for (const program of [tools?.qemu, tools?.setpriv, tools?.prlimit])
    if (program !== undefined) await symlink(program, join(folder, basename(program)));
  return folder;
}

/** Processes whose command line names the image, inside and outside of the sandbox. */
async function countProcesses(mark: string): Promise<number> {
  const ids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(ids.map((id) => readFile(`/proc/${id}/cmdline`, 'latin1').catch(() => '')));
  return lines.filter((line) => line.includes(mark)).length;
}

describe.skipIf(missing('qemu-system-x86_64', 'bwrap', 'setpriv', 'prlimit'))('QEMU', () => {
  bootProverContract(() => open({ hasBubblewrap: true }));
});

describe.skipIf(missing('qemu-system-x86_64', 'setpriv', 'prlimit'))('QEMU without bubblewrap', () => {
  bootProverContract(() => open({ hasBubblewrap: false }));

  test.each([
    ['missing', undefined],
    ['not able to', '#!/bin/sh\necho "No permissions to create a new namespace" >&2\nexit 1\n'],
  ])('is shut in by Landlock where that is %s', async (_name, script) => {
    const folder = await mkdtemp(join(tmpdir(), 'boot-prover-test-'));
    const searchPath = [await withoutBubblewrap(folder)];
    if (script !== undefined) await writeFile(join(folder, 'bwrap'), script, { mode: 0o755 });
    const about = await new QemuBootProver({ searchPath, unsandboxed: false }).probe({ signal: new AbortController().signal });
    await rm(folder, { recursive: true });
    expect(about).toMatchObject({ ready: true, sandbox: 'Landlock, seccomp and limits' });
  });
});
