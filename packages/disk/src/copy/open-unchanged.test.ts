import { appendFileSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ImageLocator } from '@hypersdk/ports';
import { calm } from '@hypersdk/testkit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { imageInspector } from '../inspect/image-inspector.ts';
import { openUnchanged, requireMark } from './open-unchanged.ts';

let folder = '';
let locator: ImageLocator;
let mark = '';
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'unchanged-'));
  const path = join(folder, 'disk');
  writeFileSync(path, 'content');
  locator = { kind: 'image', image: { path, format: 'raw', references: 'refuse' } };
  mark = await imageInspector.mark(locator.image, calm);
});
afterEach(() => rmSync(folder, { recursive: true }));

test('a source that nobody touched is opened', async () => {
  using image = await openUnchanged(locator, mark, calm);
  expect(image.virtualSize).toBe(7);
});

test('another file under the same name is not taken for it', async () => {
  writeFileSync(join(folder, 'other'), 'content');
  renameSync(join(folder, 'other'), locator.image.path);
  await expect(openUnchanged(locator, mark, calm)).rejects.toMatchObject({ code: 'source/changed' });
});

test('a write to an open source is noticed', async () => {
  using image = await openUnchanged(locator, mark, calm);
  appendFileSync(locator.image.path, '!');
  expect(() => requireMark(image, mark)).toThrow(expect.objectContaining({ code: 'source/changed' }));
});
