import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { isExportGone } from './is-export-gone.ts';

test('an export is gone when others are still there beside its place, and not when its whole target is missing or empty', () => {
  const target = mkdtempSync(join(tmpdir(), 'gone-'));
  try {
    expect([isExportGone(join(target, 'web-01')), isExportGone(join(target, 'unmounted/web-01'))]).toEqual([false, false]);
    mkdirSync(join(target, 'web-02'));
    expect([isExportGone(join(target, 'web-01')), isExportGone(join(target, 'web-02'))]).toEqual([true, false]);
  } finally {
    rmSync(target, { recursive: true });
  }
});
