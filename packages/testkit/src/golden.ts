import { readFileSync, writeFileSync } from 'node:fs';
import { expect } from 'vitest';

/**
 * Compares a text with the one that is kept beside the test. With UPDATE_GOLDEN=1 the kept one is written anew, for a person to look at the difference;
 * where nobody would look (CI), that is refused.
 */
export function expectGolden(file: URL, text: string): void {
  if (process.env['UPDATE_GOLDEN'] === '1') {
    if (process.env['CI']) throw new Error('Golden files are never written in CI.');
    writeFileSync(file, text);
    return;
  }
  expect(text).toBe(readKept(file));
}

/** As `expectGolden`, for values that are JSON. */
export const expectGoldenJson = (file: URL, value: unknown): void => expectGolden(file, `${JSON.stringify(value, undefined, 2)}\n`);

function readKept(file: URL): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new Error(`There is no golden file ${file.pathname}; UPDATE_GOLDEN=1 writes it.`, { cause });
  }
}
