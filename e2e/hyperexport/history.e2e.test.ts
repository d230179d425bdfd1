import { execFileSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { missing } from '@hypersdk/testkit';
import { afterAll, describe, expect, test } from 'vitest';
import { documentOf, run } from './program.ts';
import { openWorkshop } from './workshop.ts';

const workshop = await openWorkshop();
afterAll(() => workshop[Symbol.asyncDispose]());
await mkdir(workshop.path('backup'));
const evil = await workshop.disk('<b>&amp;"\'.raw', { sizeMib: 1, dataMib: [0] });
const plain = await workshop.disk('web-01.raw', { sizeMib: 1, dataMib: [0] });
for (const disk of [evil, plain]) await run(['export', disk, '--to', workshop.path('backup'), '--quiet'], workshop);
await run(['export', plain, '--to', workshop.path('backup'), '--quiet'], workshop);

const found = async (...args: readonly string[]): Promise<readonly string[]> => {
  const { runs } = documentOf(await run(['history', '--json', ...args], workshop)) as { readonly runs: readonly { readonly state: string }[] };
  return runs.map(({ state }) => state);
};

describe('the history', () => {
  test('is searched by VM, result, time and words', async () => {
    expect(await found()).toEqual(['failed', 'succeeded', 'succeeded']);
    expect(await found('--vm', 'WEB')).toEqual(['failed', 'succeeded']);
    expect(await found('--result', 'failed')).toEqual(['failed']);
    expect(await found('--since', '1h')).toHaveLength(3);
    expect(await found('--until', '1h')).toEqual([]);
    expect(await found('target/exists')).toEqual(['failed']);
    expect(await found('--limit', '1', 'web-01')).toHaveLength(1);
    expect((await run(['history', 'nix'], workshop)).stdout).toBe('No run matches.\n');
    expect((await run(['history', '--since', 'yesterday'], workshop)).code).toBe(64);
  });

  test.skipIf(missing('xmllint'))('is a page whose every name is text', async () => {
    const ended = await run(['history', '--report', 'html', '--vm', '<b>'], workshop);
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    const page = workshop.path('runs.html');
    await writeFile(page, ended.stdout);
    const rows = execFileSync('xmllint', ['--nonet', '--xpath', 'count(//*[local-name()="tbody"]/*[local-name()="tr"])', page], { encoding: 'utf8' });
    expect(rows.trim()).toBe('1');
    expect(execFileSync('xmllint', ['--xpath', 'count(//*[local-name()="b"])', page], { encoding: 'utf8' }).trim()).toBe('0');
    expect(execFileSync('xmllint', ['--xpath', 'string(//*[local-name()="td"][5])', page], { encoding: 'utf8' })).toContain('<b>&amp;"\'');
  });

  test('is a document with --report json, as with --json', async () => {
    expect((await run(['history', '--report', 'json'], workshop)).stdout).toBe((await run(['history', '--json'], workshop)).stdout);
  });
});
