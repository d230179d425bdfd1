import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkSettings } from '@hypersdk/disk';
import { afterAll, describe, expect, test } from 'vitest';
import { buildVM } from '../build-state.ts';
import { judgeChoices } from './judge-choices.ts';

const folder = await mkdtemp(join(tmpdir(), 'judge-choices-'));
afterAll(() => rm(folder, { recursive: true, force: true }));
await writeFile(join(folder, 'file'), '');
const vms = [buildVM('db'), buildVM('web', 3 * 1024 * 1024)];
const judge = (...flags: readonly string[]) => judgeChoices({ checkSettings }, { line: ['export', ...flags, '--', '/vms'], vms });

describe('choices are judged', () => {
  test('as good when they are', async () => {
    expect(await judge(`--to=${folder}`, '--format=vmdk', '--subformat=streamOptimized')).toBeUndefined();
  });

  test.each([
    { flags: [], field: 'to', text: '--to is missing' },
    { flags: [`--to=${folder}/none`], field: 'to', text: 'is not there' },
    { flags: [`--to=${folder}/file`], field: 'to', text: 'is not a folder' },
    { flags: [`--to=${folder}`, '--limit-rate=fast'], field: 'limit-rate', text: '--limit-rate "fast"' },
    { flags: [`--to=${folder}`, '--verify=200'], field: 'verify', text: 'percentage' },
    { flags: [`--to=${folder}`, '--compression=zlib:99'], field: 'compression', text: 'level' },
    { flags: [`--to=${folder}`, '--incremental', '--boot-proof'], field: 'boot-proof', text: '--boot-proof' },
  ])('and $text names its field', async ({ flags, field, text }) => {
    expect(await judge(...flags)).toMatchObject({ field, text: expect.stringContaining(text) });
  });

  test('by the largest disk, which a format may not hold', async () => {
    expect(await judge(`--to=${folder}`, '--format=vhd')).toMatchObject({ text: expect.stringContaining('TiB') });
  });
});
