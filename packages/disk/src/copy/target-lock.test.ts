import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { TargetLock } from './target-lock.ts';

describe('the lock of a target', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'lock-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  test('is held by one at a time, by whatever path', async () => {
    symlinkSync(folder, `${folder}-link`);
    {
      await using _held = await TargetLock.take(join(folder, 'a'));
      await expect(TargetLock.take(join(`${folder}-link`, 'a'))).rejects.toMatchObject({ code: 'target/busy' });
      await using _other = await TargetLock.take(join(folder, 'b'));
    }
    await using again = await TargetLock.take(join(folder, 'a'));
    expect(again).toBeDefined();
    rmSync(`${folder}-link`);
  });

  test('needs the folder to be there', async () => {
    await expect(TargetLock.take(join(folder, 'none', 'a'))).rejects.toMatchObject({ code: 'target/not-found' });
  });
});
