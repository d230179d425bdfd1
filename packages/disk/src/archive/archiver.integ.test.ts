import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, statSync, truncateSync } from 'node:fs';
import { mkdtemp, open, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { MIB, roundUp } from '@hypersdk/domain';
import type { ArchiveRequest } from '@hypersdk/ports';
import { calm, expectRefusal, missing } from '@hypersdk/testkit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ReadableDiskFile } from '../file/disk-file.ts';
import { archiver } from './archiver.ts';
import { encodeTarHeader } from './tar-header.ts';
import { readTar } from './read-tar.ts';

let folder = '';
const at = (name: string): string => join(folder, name);
const digestOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const run = (program: string, ...args: readonly string[]): string => execFileSync(program, args, { cwd: folder, encoding: 'utf8' });

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hypersdk-archive-'));
});
afterEach(() => rm(folder, { recursive: true }));

const NOISE = Buffer.from(Uint8Array.from({ length: 9 * MIB + 77 }, (_, index) => (index * 2654435761) >>> 24));

async function requestFor(content: Uint8Array): Promise<ArchiveRequest> {
  await writeFile(at('disk.vmdk'), content);
  return {
    path: at('vm.ova'),
    members: [
      { name: 'vm.ovf', content: { kind: 'text', text: '<Envelope/>' } },
      { name: 'vm.mf', content: { kind: 'text', text: '' } },
      { name: 'disk.vmdk', content: { kind: 'file', path: at('disk.vmdk'), digest: digestOf(content) } },
    ],
    modifiedAt: Date.UTC(2026, 0, 1),
  };
}

describe.skipIf(missing('tar', 'python3'))('an archive that is written', { timeout: 60_000 }, () => {
  test('is unpacked by tar and read by tarfile as what went in, and twice the same', async () => {
    const request = await requestFor(NOISE);
    const members = await archiver.write(request, calm);
    expect(members).toEqual(await archiver.list(request.path, calm));
    expect(run('tar', '-tvf', 'vm.ova', '--utc', '--numeric-owner').split('\n')[0]).toBe('-rw-r--r-- 0/0              11 2026-01-01 00:00 vm.ovf');
    expect(execFileSync('tar', ['-xOf', at('vm.ova'), 'disk.vmdk'], { maxBuffer: 32 * MIB }).equals(NOISE)).toBe(true);
    const script =
      'import sys, tarfile, hashlib\nt = tarfile.open(sys.argv[1])\nfor m in t: print(m.name, m.size, m.isreg(), t.fileobj and hashlib.sha256(t.extractfile(m).read()).hexdigest())';
    expect(run('python3', '-c', script, 'vm.ova').trim().split('\n').at(-1)).toBe(`disk.vmdk ${NOISE.length} True ${digestOf(NOISE)}`);
    const first = digestOf(await readFile(request.path));
    await archiver.write(request, calm);
    expect(digestOf(await readFile(request.path))).toBe(first);
    expect((await readdir(folder)).toSorted()).toEqual(['disk.vmdk', 'vm.ova']);
  });

  test('goes on in what a killed run left, at whatever length it was', async () => {
    const request = await requestFor(NOISE);
    await archiver.write(request, calm);
    const whole = await readFile(request.path);
    for (const length of [0, 1, 700, 5 * MIB, whole.length - 1, whole.length]) {
      await rm(request.path);
      await writeFile(at('vm.ova.partial'), whole.subarray(0, length));
      await archiver.write(request, calm);
      expect((await readFile(request.path)).equals(whole), `cut at ${length}`).toBe(true);
    }
  });

  test('does not believe what it finds: lost pages and foreign bytes are written anew', async () => {
    const request = await requestFor(NOISE);
    await archiver.write(request, calm);
    const whole = await readFile(request.path);
    await rm(request.path);
    await writeFile(at('vm.ova.partial'), Buffer.alloc(whole.length + MIB));
    await archiver.write(request, calm);
    expect((await readFile(request.path)).equals(whole)).toBe(true);
  });

  test('has zeros behind each member and at its end, whatever lay there before', async () => {
    const request = await requestFor(NOISE);
    await archiver.write(request, calm);
    const whole = await readFile(request.path);
    await rm(request.path);
    // An earlier run meant to put a second disk behind the first.
    const second = Buffer.concat([encodeTarHeader({ name: 'disk-2.vmdk', size: 6 * MIB, modifiedAt: 0 }), Buffer.alloc(6 * MIB, 7)]);
    const padding = Buffer.alloc(roundUp(NOISE.length, 512) - NOISE.length, 7);
    await writeFile(at('vm.ova.partial'), Buffer.concat([whole.subarray(0, whole.length - 1024 - padding.length), padding, second]));
    await archiver.write(request, calm);
    expect((await readFile(request.path)).equals(whole)).toBe(true);
    expect(run('tar', '-tf', 'vm.ova')).toBe('vm.ovf\nvm.mf\ndisk.vmdk\n');
  });

  test('is not published when a member is no longer what its digest says', async () => {
    const request = await requestFor(NOISE);
    await using file = await open(at('disk.vmdk'), 'r+');
    await file.write(Buffer.from('changed'), 0, 7, 5 * MIB);
    await expectRefusal(archiver.write(request, calm), 'verify/mismatch');
    expect(existsSync(request.path)).toBe(false);
    expect(existsSync(at('vm.ova.partial'))).toBe(false);
  });

  test('that cannot be read back is a fault of the target', async () => {
    const request = await requestFor(NOISE);
    await archiver.write(request, calm);
    const { size } = statSync(request.path);
    await rm(request.path);
    const { signal } = new AbortController();
    // Asked between any two pieces; the partial archive has its full length only once it is read back.
    signal.throwIfAborted = () => {
      if (statSync(at('vm.ova.partial')).size === size) truncateSync(at('vm.ova.partial'), 0);
    };
    await expectRefusal(archiver.write(request, { signal }), 'target/unreadable');
    expect(existsSync(request.path)).toBe(false);
  });

  test('that is called off is kept and gets no name', async () => {
    const request = await requestFor(NOISE);
    const stop = new AbortController();
    await expect(archiver.write(request, { signal: stop.signal, onProgress: () => stop.abort(new Error('enough')) })).rejects.toThrow('enough');
    expect(existsSync(request.path)).toBe(false);
    expect(statSync(at('vm.ova.partial')).size).toBeGreaterThan(MIB);
    await archiver.write(request, calm);
    expect(run('tar', '-tf', 'vm.ova')).toBe('vm.ovf\nvm.mf\ndisk.vmdk\n');
  });

  test('may take its members from an archive that it replaces', async () => {
    const request = await requestFor(NOISE);
    const members = await archiver.write(request, calm);
    const disk = members.at(-1);
    await rm(at('disk.vmdk'));
    const slice = { offset: disk?.offset ?? 0, length: disk?.length ?? 0 };
    const again = {
      ...request,
      members: [
        ...request.members.slice(0, 2),
        { name: 'b.vmdk', content: { kind: 'file', path: request.path, slice, digest: digestOf(NOISE) } as const },
      ],
    };
    await archiver.write(again, calm);
    expect(run('tar', '-tf', 'vm.ova')).toBe('vm.ovf\nvm.mf\nb.vmdk\n');
  });

  test('whatever tar packs is read as tar lists it', async () => {
    const name = fc
      .string({ unit: fc.constantFrom('a', 'B', '0', '.', '_', '-', ' ', 'ü', '名'), minLength: 1, maxLength: 120 })
      .filter((text) => !/^[.-]/.test(text) && Buffer.byteLength(text) < 250);
    const files = fc.uniqueArray(fc.record({ name, size: fc.nat(3000) }), {
      selector: (file) => file.name.normalize('NFC').toLowerCase(),
      minLength: 1,
      maxLength: 6,
    });
    await fc.assert(
      fc.asyncProperty(files, fc.constantFrom('ustar', 'gnu', 'pax', 'oldgnu'), async (chosen, format) => {
        const inside = await mkdtemp(join(folder, 'in-'));
        for (const file of chosen) await writeFile(join(inside, file.name), Buffer.alloc(file.size, file.name));
        const fits = format !== 'ustar' || chosen.every((file) => Buffer.byteLength(file.name) <= 100);
        if (!fits) return;
        execFileSync('tar', [`--format=${format}`, '-cf', at('x.tar'), ...chosen.map((file) => file.name)], { cwd: inside });
        using archive = ReadableDiskFile.open(at('x.tar'));
        const bytes = await readFile(at('x.tar'));
        const members = readTar(archive);
        expect(members.map((member) => [member.name, member.length])).toEqual(chosen.map((file) => [file.name, file.size]));
        for (const { name: member, offset, length } of members)
          expect(bytes.subarray(offset, offset + length).equals(await readFile(join(inside, member)))).toBe(true);
        await rm(inside, { recursive: true });
      }),
      { numRuns: 60 },
    );
  });

  test('of more than 8 GiB is read by tar and tarfile at its size', async () => {
    const size = 9 * 1024 * MIB;
    await using file = await open(at('big.tar'), 'w');
    await file.write(encodeTarHeader({ name: 'big.vmdk', size, modifiedAt: 0 }), 0, 512, 0);
    await file.truncate(512 + size + 1024);
    expect(run('tar', '-tvf', 'big.tar', '--numeric-owner')).toContain(` ${size} `);
    expect(run('python3', '-c', 'import tarfile; print(tarfile.open("big.tar").next().size)').trim()).toBe(String(size));
    using archive = ReadableDiskFile.open(at('big.tar'));
    expect(readTar(archive)).toEqual([{ name: 'big.vmdk', offset: 512, length: size }]);
  });
});
