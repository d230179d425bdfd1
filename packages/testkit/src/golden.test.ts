import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { expectGolden, expectGoldenJson } from './golden.ts';

let folder = '';
const kept = (): URL => pathToFileURL(join(folder, 'kept.txt'));

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hypersdk-golden-'));
  vi.stubEnv('CI', '');
  vi.stubEnv('UPDATE_GOLDEN', '');
});

afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

test('equal texts pass and different ones fail', () => {
  writeFileSync(kept(), '{\n  "a": 1\n}\n');
  expectGoldenJson(kept(), { a: 1 });
  expect(() => expectGoldenJson(kept(), { a: 2 })).toThrow();
});

test('an absent golden file is a failure that says how to make it', () => {
  expect(() => expectGolden(kept(), 'x')).toThrow(/UPDATE_GOLDEN=1/);
});

test('it is written when that is asked for, but never in CI', () => {
  vi.stubEnv('UPDATE_GOLDEN', '1');
  expectGolden(kept(), 'new');
  expect(readFileSync(kept(), 'utf8')).toBe('new');
  vi.stubEnv('CI', 'true');
  expect(() => expectGolden(kept(), 'newer')).toThrow(/never written in CI/);
  expect(readFileSync(kept(), 'utf8')).toBe('new');
});
