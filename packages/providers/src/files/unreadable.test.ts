import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Folder } from './folder.ts';
import { surveyFolder } from './survey-folder.ts';
import { unreadable } from './unreadable.ts';

test.each([
  ['ENOENT', 'source/not-found'],
  ['ENOTDIR', 'source/not-found'],
  ['EACCES', 'source/forbidden'],
  ['EPERM', 'source/forbidden'],
  ['EIO', 'source/unreadable'],
  [undefined, 'source/unreadable'],
])('where the system answers %s, that is %s', (system, code) => {
  expect(unreadable('/vms', Object.assign(new Error('told'), { code: system }))).toMatchObject({ code, message: expect.stringContaining('/vms') });
});

test('a folder that went away before it was read is not there, rather than a defect', async () => {
  const path = await mkdtemp(join(tmpdir(), 'hypersdk-gone-'));
  const folder = await Folder.open(path);
  await rm(path, { recursive: true });
  const reading = surveyFolder(folder, { recursive: false, report: () => undefined, signal: new AbortController().signal });
  await expect(reading).rejects.toMatchObject({ code: 'source/not-found' });
});
