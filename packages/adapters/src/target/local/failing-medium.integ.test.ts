import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { errorTable } from '@hypersdk/domain';
import { missing } from '@hypersdk/testkit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

const run = promisify(execFile);
const adapters = fileURLToPath(new URL('../../index.ts', import.meta.url));

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hypersdk-failing-'));
  await writeFile(join(folder, 'object'), 'old');
});
afterEach(() => rm(folder, { recursive: true }));

/** Says how the put ended by its exit code alone: a process that cannot write cannot say more. */
const script = `
  import { LocalFolderTarget } from ${JSON.stringify(adapters)};
  const target = await LocalFolderTarget.open(process.argv[1]);
  const codes = JSON.parse(process.argv[2]);
  try {
    await target.put('object', new TextEncoder().encode('new content'), { signal: new AbortController().signal, ifAbsent: false });
    process.exit(0);
  } catch (error) {
    process.exit(10 + codes.indexOf(error.code));
  }
`;

describe.skipIf(missing('fiu-run'))('a put on a medium that fails', () => {
  test.each([
    ['is full while it is written', 'posix/io/rw/pwrite,failinfo=28', 'target/full'],
    ['fails while it is synced', 'posix/io/sync/fsync,failinfo=5', 'target/unwritable'],
  ] as const)('that %s keeps the old object, leaves nothing behind and says so', { timeout: 30_000 }, async (_, fault, code) => {
    const codes = Object.keys(errorTable);
    const ended = run('fiu-run', [
      '-x',
      '-c',
      `enable name=${fault}`,
      process.execPath,
      '--input-type=module',
      '-e',
      script,
      folder,
      JSON.stringify(codes),
    ]);
    const exit = await ended.then(() => 0, exitCodeOf);
    expect(codes[exit - 10]).toBe(code);
    expect(await readFile(join(folder, 'object'), 'utf8')).toBe('old');
    expect(await readdir(folder)).toEqual(['object']);
  });
});

const exitCodeOf = (error: unknown): number => (error instanceof Error && 'code' in error && typeof error.code === 'number' ? error.code : -1);
