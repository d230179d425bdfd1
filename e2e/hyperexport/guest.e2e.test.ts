import { execFileSync } from 'node:child_process';
import { missing } from '@hypersdk/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { documentOf, run } from './program.ts';
import { openWorkshop } from './workshop.ts';

const workshop = await openWorkshop();
afterAll(() => workshop[Symbol.asyncDispose]());
const disk = await workshop.disk('guest.raw', { sizeMib: 64, dataMib: [] });

describe.skipIf(missing('mkfs.ext4', 'sfdisk'))('inspect says what lies on the disk', () => {
  beforeAll(() => {
    const env = { PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin` };
    execFileSync('sfdisk', ['-q', disk], { input: 'label: gpt\nstart=2048,size=40M,name="root"\n', env });
    execFileSync('mkfs.ext4', ['-q', '-L', 'label', '-E', 'offset=1048576', disk, '40M'], { env });
  });

  test('to people', async () => {
    const { code, stdout } = await run(['inspect', disk], workshop);
    expect(code).toBe(0);
    expect(stdout).toContain('partitions  GPT, sectors of 512 bytes\nboots with  nothing that was found\n');
    expect(stdout).toMatch(/^partition 1  40 MiB  ext4 {5}label  clean  Linux$/m);
  });

  test('to programs, unless it is left out', async () => {
    expect(documentOf(await run(['inspect', disk, '--json'], workshop))).toMatchObject({
      format: 'raw',
      guest: {
        table: 'gpt',
        volumes: [{ place: 'partition 1', offset: 1_048_576, content: { kind: 'ext4', label: 'label', clean: true } }],
        findings: [],
      },
    });
    expect(documentOf(await run(['inspect', disk, '--json', '--no-guest'], workshop))).not.toHaveProperty('guest');
  });
});
