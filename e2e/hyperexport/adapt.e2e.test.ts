import { mkdir, readdir, readFile } from 'node:fs/promises';
import { missing } from '@hypersdk/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { documentOf, run, start, type Ended } from './program.ts';
import { openWorkshop } from './workshop.ts';

const workshop = await openWorkshop();
afterAll(() => workshop[Symbol.asyncDispose]());
const to = workshop.path('out');
const BUSY_TIMEOUT_MS = 180_000;

beforeAll(async () => {
  await mkdir(to);
  const disk = await workshop.disk('web-01.raw', { sizeMib: 8, dataMib: [0, 5] });
  expect(await run(['export', disk, '--to', to, '--quiet'], workshop)).toMatchObject({ code: 0 });
  expect(await run(['export', disk, '--to', to, '--quiet', '--name', 'packed', '--format', 'ova'], workshop)).toMatchObject({ code: 0 });
}, BUSY_TIMEOUT_MS);

const adapt = (...args: readonly string[]): Promise<Ended> => run(['adapt', ...args], workshop);
const foldersLeft = async (): Promise<readonly string[]> => (await readdir(workshop.folder)).filter((name) => name.startsWith('hypersdk-guest-'));

describe('adapt', { timeout: BUSY_TIMEOUT_MS }, () => {
  test('without virt-v2v is refused with the package to install, and makes nothing', async () => {
    const ended = await run(['adapt', `${to}/web-01`], { ...workshop, env: { PATH: workshop.path('nowhere') } });
    expect(ended).toMatchObject({ code: 69, stderr: expect.stringContaining('package virt-v2v') });
    expect(await readdir(to)).not.toContain('web-01-kvm');
  });

  test.each([
    ['a folder that is not there', 'absent', 66],
    ['a folder without an export', '.', 66],
    ['disks in an archive', 'packed', 64],
  ])('%s is refused before anything starts', async (_, name, code) => {
    const ended = await adapt(`${to}/${name}`, '--dry-run');
    expect(ended.code, ended.stderr).toBe(code);
  });
});

/** Everything that a conversion starts has its work folder in its environment. */
async function countConverters(): Promise<number> {
  const ids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const texts = await Promise.all(ids.map((id) => readFile(`/proc/${id}/environ`, 'latin1').catch(() => '')));
  return texts.filter((text) => text.includes(`${workshop.folder}/hypersdk-guest-`)).length;
}

describe.skipIf(missing('virt-v2v-in-place', 'qemu-img', 'bwrap'))('adapt, at work', { timeout: BUSY_TIMEOUT_MS }, () => {
  test('says what it would do, with what, and does nothing', async () => {
    const ended = await adapt(`${to}/web-01`, '--dry-run', '--json');
    expect(ended, ended.stderr).toMatchObject({ code: 0 });
    expect(documentOf(ended)).toMatchObject({
      original: 'web-01',
      name: 'web-01-kvm',
      disks: ['disk-0.qcow2'],
      converter: { program: 'virt-v2v-in-place', sandbox: 'bubblewrap' },
    });
    expect(await readdir(to)).not.toContain('web-01-kvm');
  });

  test.each(['SIGINT', 'SIGKILL'] as const)('that is ended by %s leaves no program behind, and no export', async (signal) => {
    const { child, ended, says } = start(['adapt', `${to}/web-01`, '--work', workshop.folder], { ...workshop, node: process.execPath });
    await says(/Opening the source/);
    expect(await countConverters()).toBeGreaterThan(1);
    child.kill(signal);
    expect((await ended).code).toBe(signal === 'SIGINT' ? 130 : null);
    await expect.poll(countConverters, { timeout: BUSY_TIMEOUT_MS }).toBe(0);
    expect(await readdir(to)).not.toContain('web-01-kvm');
    if (signal === 'SIGINT') expect(await foldersLeft()).toEqual([]);
  });
});
