import { execFileSync } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { delimiter } from 'node:path';
import { missing } from '@hypersdk/testkit';
import { afterAll, describe, expect, test } from 'vitest';
import { CACHE, LAUNCHER, run } from './program.ts';
import { openWorkshop } from './workshop.ts';

const workshop = await openWorkshop();
afterAll(() => workshop[Symbol.asyncDispose]());
const readme = await readFile(new URL('../../apps/hyperexport/README.md', import.meta.url), 'utf8');
const examples = [...readme.matchAll(/```sh\n([^`]+)```/g)].flatMap((block) => (block[1] ?? '').split('\n').filter((line) => line !== ''));

const bin = workshop.path('bin');
await mkdir(bin);
await writeFile(`${bin}/hyperexport`, `#!/bin/sh\nexec '${process.execPath}' '${LAUNCHER}' "$@"\n`, { mode: 0o755 });
await mkdir(workshop.path('backup'));
await mkdir(workshop.path('vms'));
const raw = await workshop.disk('vms/web-01.raw', { sizeMib: 32, dataMib: [0, 3, 31] });
await run(['convert', raw, workshop.path('disk.vmdk'), '--unverified', '--quiet'], workshop);

describe('in order, as they stand in the README', () => {
  test('there are examples', () => {
    expect(examples.length).toBeGreaterThan(15);
  });

  const needsAge = (example: string): boolean => /\bkey\.txt\b/.test(example);
  const canRun = examples.filter((example) => !needsAge(example) || !missing('age', 'age-keygen'));

  test.each(canRun)('%s', (example) => {
    const env = { PATH: [bin, process.env['PATH']].join(delimiter), HOME: workshop.state, XDG_CACHE_HOME: CACHE };
    expect(
      execFileSync('/bin/sh', ['-euc', example], { cwd: workshop.folder, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }),
    ).toBeDefined();
  });
});
