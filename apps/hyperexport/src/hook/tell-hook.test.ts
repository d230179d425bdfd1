import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { tellHook } from './tell-hook.ts';

const folder = await mkdtemp(join(tmpdir(), 'hook-'));
afterAll(() => rm(folder, { recursive: true, force: true }));

async function program(name: string, lines: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, `#!/bin/sh\n${lines}\n`, { mode: 0o755 });
  return path;
}

describe('a hook', { timeout: 60_000 }, () => {
  test('gets the document on standard input', async () => {
    expect(await tellHook(await program('writes', `cat > '${folder}/told'`), { event: 'export.succeeded', vm: '$(id)' })).toBeUndefined();
    expect(JSON.parse(await readFile(join(folder, 'told'), 'utf8'))).toEqual({ event: 'export.succeeded', vm: '$(id)' });
  });

  test('need not read it, however long it is', async () => {
    expect(await tellHook(await program('deaf', 'exec 0<&-; exit 0'), { much: 'x'.repeat(1_000_000) })).toBeUndefined();
  });

  test('is run without a shell', async () => {
    expect(await tellHook('echo told; true', {})).toMatch(/^cannot be run: there is no such program/);
  });

  test('that fails is told of, with its exit code', async () => {
    expect(await tellHook(await program('fails', 'exit 7'), {})).toBe('failed: exit code 7.');
  });

  test('that hangs is ended with what it started', async () => {
    const hook = await program('hangs', `sleep 300 & echo $! > '${folder}/pid'; wait`);
    const begun = performance.now();
    expect(await tellHook(hook, {}, 1_500)).toBe('took longer than 1.5 seconds and was ended.');
    expect(performance.now() - begun).toBeLessThan(20_000);
    const pid = Number(await readFile(join(folder, 'pid'), 'utf8'));
    // A process that ended and waits for its parent is as good as gone.
    const state = await readFile(`/proc/${pid}/stat`, 'utf8').then(
      (stat) => stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3),
      () => 'gone',
    );
    expect(['gone', 'Z', 'X']).toContain(state);
  });
});
