import { spawnSync } from 'node:child_process';
import { missing } from '@hypersdk/testkit';
import { describe, expect, test } from 'vitest';
import { exportCommand } from '../commands/export.ts';
import { toFlagName } from './format-flags.ts';
import { manPage } from './man-page.ts';

describe.skipIf(missing('groff'))('the manual page', { timeout: 60_000 }, () => {
  test('is set by groff without a warning, with every flag in it', async () => {
    const { stdout, stderr, status } = spawnSync('groff', ['-man', '-ww', '-Tutf8', '-P-cbou'], { input: await manPage('1.0.0'), encoding: 'utf8' });
    expect({ stderr, status }).toEqual({ stderr: '', status: 0 });
    for (const name of Object.keys(exportCommand.parameters.flags ?? {})) expect(stdout).toContain(toFlagName(name));
    expect(stdout).toContain("hyperexport export /vms --match '^web-' --to /backup --parallel 4");
  });
});
