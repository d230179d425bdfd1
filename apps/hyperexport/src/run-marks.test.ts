import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { fileRunMarks } from './run-marks.ts';

const folder = mkdtempSync(join(tmpdir(), 'hyperexport-marks-'));
afterAll(() => rmSync(folder, { recursive: true }));
const marks = fileRunMarks(folder);

test('a run is held while its process lives and holds it', () => {
  const held = marks.hold('A');
  expect(marks.isHeld('A')).toBe(true);
  held[Symbol.dispose]();
  expect(marks.isHeld('A')).toBe(false);
});

test('a process that is gone, or another with its number, holds nothing', () => {
  writeFileSync(join(folder, 'B.json'), JSON.stringify({ host: hostname(), pid: 2 ** 22 + 1, startedAt: '1' }));
  writeFileSync(join(folder, 'C.json'), JSON.stringify({ host: hostname(), pid: process.pid, startedAt: '1' }));
  expect([marks.isHeld('B'), marks.isHeld('C')]).toEqual([false, false]);
});

test('a mark that cannot be read holds nothing', () => {
  writeFileSync(join(folder, 'D.json'), '{');
  expect([marks.isHeld('D'), marks.isHeld('E')]).toEqual([false, false]);
});
