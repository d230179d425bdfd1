import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';

/** Holds text against the file of this name; UPDATE_GOLDEN=1 writes the file instead, for a person to read in the diff. */
export async function expectGolden(name: string, text: string): Promise<void> {
  const path = fileURLToPath(new URL(`golden/${name}`, import.meta.url));
  if (process.env['UPDATE_GOLDEN'] === '1') await writeFile(path, text);
  expect(text).toBe(await readFile(path, 'utf8'));
}
