import { copyFile, mkdir, open, readdir, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { MIB } from '@hypersdk/domain';
import { missing } from '@hypersdk/testkit';
import { afterAll, describe, expect, test } from 'vitest';
import { documentOf, run } from './program.ts';
import { openWorkshop } from './workshop.ts';

const workshop = await openWorkshop();
afterAll(() => workshop[Symbol.asyncDispose]());
const raw = await workshop.disk('disk.raw', { sizeMib: 64, dataMib: [0, 7, 31, 63] });

describe('inspect', () => {
  test('tells format and sizes as one document', async () => {
    const ended = await run(['inspect', raw, '--json'], workshop);
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    expect(documentOf(ended)).toMatchObject({ path: raw, format: 'raw', virtualSize: 64 * MIB, allocatedSize: 4 * MIB, fileSize: 64 * MIB });
  });

  test('tells people the same as a table', async () => {
    const ended = await run(['inspect', raw], workshop);
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    expect(ended.stdout).toContain('virtual size  64 MiB (67108864 bytes)\n');
  });

  test('refuses a format that the bytes contradict', async () => {
    const ended = await run(['inspect', raw, '--source-format', 'qcow2', '--json'], workshop);
    expect(ended.code).toBe(65);
    expect(documentOf(ended)).toMatchObject({ error: { code: 'image/format-mismatch' } });
  });

  test('says in one line what is wrong with a missing or damaged file', async () => {
    const cut = workshop.path('cut.qcow2');
    await writeFile(cut, Buffer.from('QFI\u00fb\0\0\0\u0003', 'latin1'));
    const damaged = await run(['inspect', cut], workshop);
    expect(damaged.code).toBe(65);
    expect(damaged.stderr).toMatch(/^hyperexport: .+\n$/);
    expect(await run(['inspect', workshop.path('nix')], workshop)).toMatchObject({ code: 66, stdout: '' });
  });
});

describe('convert', () => {
  test('takes the format from the name, proves the copy and leaves a receipt', async () => {
    const target = workshop.path('copy.qcow2');
    const ended = await run(['convert', raw, target, '--json', '--quiet'], workshop);
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    expect(documentOf(ended)).toMatchObject({
      path: target,
      virtualSize: 64 * MIB,
      root: expect.stringMatching(/^[0-9a-f]{64}$/),
      receipt: `${target}.receipt.json`,
    });
    expect((await run(['verify', `${target}.receipt.json`], workshop)).code).toBe(0);
    expect((await run(['verify', target], workshop)).stdout).toContain('Proven');
    expect((await run(['compare', raw, target], workshop)).code).toBe(0);
  });

  test.skipIf(missing('qemu-img'))('writes images that others read', async () => {
    for (const [name, ...flags] of [
      ['a.qcow2', '--compression', 'zstd:3'],
      ['b.vmdk'],
      ['c.vmdk', '--subformat', 'streamOptimized'],
      ['d.raw'],
      ['e.qcow2', '--cluster-size', '4K', '--compat', '2'],
      ['f.vhdx', '--cluster-size', '1M'],
      ['g.vhdx', '--subformat', 'fixed', '--sector-size', '512'],
    ]) {
      const target = workshop.path(`peer-${name}`);
      expect(await run(['convert', raw, target, '--quiet', ...flags], workshop)).toEqual({ code: 0, stdout: '', stderr: '' });
      expect(execFileSync('qemu-img', ['compare', '-f', 'raw', raw, target], { encoding: 'utf8' })).toContain('Images are identical');
    }
  });

  test('refuses to replace a file, unless told to', async () => {
    const target = workshop.path('taken.qcow2');
    await writeFile(target, 'not ours');
    const refused = await run(['convert', raw, target], workshop);
    expect(refused.code).toBe(73);
    expect(refused.stderr).toContain('--overwrite');
    expect((await stat(target)).size).toBe(8);
    expect((await run(['convert', raw, target, '--overwrite', '--quiet'], workshop)).code).toBe(0);
    expect((await run(['compare', raw, target], workshop)).code).toBe(0);
  });

  test('without proof leaves the image alone: no receipt, no leaves, nothing remembered', async () => {
    const state = workshop.path('untouched');
    expect((await run(['convert', raw, workshop.path('plain.qcow2'), '--unverified', '--quiet'], { state })).code).toBe(0);
    expect((await readdir(workshop.folder)).filter((name) => name.startsWith('plain'))).toEqual(['plain.qcow2']);
    await expect(stat(state)).rejects.toThrow('ENOENT');
  });

  test('never takes the place of its own source', async () => {
    const link = workshop.path('link.raw');
    await symlink(raw, link);
    for (const target of [raw, link]) {
      const ended = await run(['convert', raw, target, '--overwrite'], workshop);
      expect(ended.stderr).toBe(`hyperexport: ${target} is SOURCE itself; name another TARGET. See --help for the accepted values and examples.\n`);
      expect(ended.code).toBe(64);
    }
  });

  test.skipIf(missing('qemu-img', 'qemu-io'))('writes an overlay as a whole disk when its base is named, and goes nowhere else for it', async () => {
    const [golden, overlay, target] = [workshop.path('golden'), workshop.path('overlay.qcow2'), workshop.path('whole.qcow2')];
    await mkdir(golden);
    const base = join(golden, 'base.raw');
    await copyFile(raw, base);
    execFileSync('qemu-img', ['create', '-f', 'qcow2', '-b', base, '-F', 'raw', overlay]);
    execFileSync('qemu-io', ['-f', 'qcow2', '-c', 'write -P 7 5M 1M', overlay]);
    for (const flags of [[], ['--follow-references'], ['--parent', raw]]) {
      const refused = await run(['convert', overlay, target, '--json', ...flags], workshop);
      expect(refused.code).toBe(65);
      expect(documentOf(refused)).toMatchObject({ error: { code: 'image/refused-reference' } });
    }
    expect(await run(['convert', overlay, target, '--quiet', '--parent', base], workshop)).toMatchObject({ code: 0, stderr: '' });
    expect(execFileSync('qemu-img', ['compare', overlay, target], { encoding: 'utf8' })).toContain('Images are identical');
    expect((await run(['compare', overlay, target, '--quiet', '--parent', base], workshop)).code).toBe(0);
    expect(documentOf(await run(['inspect', overlay, '--json', '--parent', base], workshop))).toMatchObject({ references: [base] });
    expect((await run(['inspect', overlay, '--parent', base, '--follow-references'], workshop)).code).toBe(64);
  });

  test('needs to know a format', async () => {
    expect((await run(['convert', raw, workshop.path('what')], workshop)).stderr).toContain('does not say a format; name one with --format.');
    expect((await run(['convert', raw, workshop.path('x.vmdk'), '--cluster-size', '64K'], workshop)).code).toBe(64);
  });
});

describe('compare', () => {
  test('exits 0 for equal content in any format', async () => {
    const ended = await run(['compare', raw, raw, '--json', '--quiet'], workshop);
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    expect(documentOf(ended)).toEqual({ result: 'equal', virtualSize: 64 * MIB });
  });

  test('exits 1 and names the first byte that differs', async () => {
    const other = workshop.path('other.raw');
    await copyFile(raw, other);
    const at = 7 * MIB + 4321;
    await using file = await open(other, 'r+');
    const byte = Buffer.alloc(1);
    await file.read(byte, 0, 1, at);
    await file.write(Buffer.from([byte.readUInt8() ^ 1]), 0, 1, at);
    const ended = await run(['compare', raw, other, '--json', '--quiet'], workshop);
    expect(ended.code).toBe(1);
    expect(documentOf(ended)).toMatchObject({ result: 'different', offset: at });
    expect((await run(['compare', raw, other], workshop)).stdout).toContain(String(at));
  });

  test('exits above 1 when there is nothing to compare', async () => {
    expect(await run(['compare', raw, workshop.path('nix'), '--json'], workshop)).toMatchObject({ code: 66, stderr: '' });
  });

  test('takes a longer disk for equal as long as only zeros are added', async () => {
    const longer = workshop.path('longer.raw');
    await copyFile(raw, longer);
    await truncate(longer, 65 * MIB);
    expect((await run(['compare', raw, longer, '--quiet'], workshop)).code).toBe(0);
    await using file = await open(longer, 'r+');
    await file.write(Buffer.from([1]), 0, 1, 64 * MIB + 5);
    const ended = await run(['compare', longer, raw, '--json', '--quiet'], workshop);
    expect(documentOf(ended)).toMatchObject({ result: 'different', offset: 64 * MIB + 5 });
  });
});

describe('list', () => {
  test('shows images that are split or encrypted, and what they are', async () => {
    const folder = workshop.path('listed');
    await mkdir(folder);
    await writeFile(workshop.path('phrase'), 'a long secret\n', { mode: 0o600 });
    const encrypted = ['--encrypt-passphrase-file', workshop.path('phrase')];
    const convert = (name: string, ...more: readonly string[]): ReturnType<typeof run> =>
      run(['convert', raw, join(folder, name), '--quiet', ...more], workshop);
    expect(await convert('parts.qcow2', '--split', '3M')).toMatchObject({ code: 0 });
    expect(await convert('closed.raw.age', ...encrypted)).toMatchObject({ code: 0 });
    expect(await convert('both.qcow2.age', '--split', '3M', ...encrypted)).toMatchObject({ code: 0 });
    const listed = await run(['list', folder], workshop);
    expect(listed).toMatchObject({ code: 0, stderr: '' });
    expect(listed.stdout).toMatch(/^both .+ qcow2 encrypted in 2 parts +both\.qcow2\.age\.001$/m);
    expect(listed.stdout).toMatch(/^closed .+ raw encrypted +closed\.raw\.age$/m);
    expect(listed.stdout).toMatch(/^parts .+ 64 MiB +qcow2 in 2 parts +parts\.qcow2\.001$/m);
    expect(await run(['export', folder, 'closed', '--to', workshop.path('.')], workshop)).toMatchObject({
      code: 77,
      stderr: expect.stringContaining('closed.raw.age is encrypted'),
    });
  });
});
