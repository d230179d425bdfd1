import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { missing } from '@hypersdk/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const run = promisify(execFile);
const adapters = fileURLToPath(new URL('../../index.ts', import.meta.url));

/** One system call as strace prints it, without its process id. */
interface Call {
  readonly name: string;
  readonly line: string;
}

describe.skipIf(missing('strace'))('the order of system calls of a put', () => {
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'hypersdk-put-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  test('a replacing put renames only after file and folder are on the medium', async () => {
    const calls = await trace(false);
    expect(namesOf(calls)).toEqual(['open exclusive', 'write', 'sync file', 'sync folder', 'rename', 'sync folder']);
  });

  test('a put of a new name links only after file and folder are on the medium', async () => {
    const calls = await trace(true);
    expect(namesOf(calls)).toEqual(['open exclusive', 'write', 'sync file', 'sync folder', 'link', 'unlink', 'sync folder']);
  });

  async function trace(ifAbsent: boolean): Promise<readonly Call[]> {
    const log = join(folder, `trace-${ifAbsent}`);
    const script = `
      import { LocalFolderTarget } from ${JSON.stringify(adapters)};
      await using target = await LocalFolderTarget.open(process.argv[1]);
      await target.put(${JSON.stringify(`object-${ifAbsent}`)}, new TextEncoder().encode('traced content'), { signal: new AbortController().signal, ifAbsent: ${ifAbsent} });
    `;
    const calls = 'openat,write,pwrite64,writev,fsync,fdatasync,rename,renameat,renameat2,link,linkat,unlink,unlinkat';
    await run('strace', ['-f', '-y', '-s', '64', '-e', `trace=${calls}`, '-o', log, process.execPath, '--input-type=module', '-e', script, folder]);
    return (await readFile(log, 'utf8')).split('\n').flatMap(toCall);
  }

  function toCall(line: string): readonly Call[] {
    const name = /^\d+ +(\w+)\(/.exec(line)?.[1];
    return name === undefined ? [] : [{ name, line }];
  }

  /** What each call on the object's files means, in order. */
  function namesOf(calls: readonly Call[]): readonly string[] {
    return calls.flatMap(({ name, line }) => {
      if (name === 'openat' && line.includes('/.put-')) return [/O_CREAT\|O_EXCL\|O_NOFOLLOW/.test(line) ? 'open exclusive' : 'open'];
      if (name.includes('write') && line.includes('traced content')) return ['write'];
      if (name === 'fsync') return [line.includes('/.put-') ? 'sync file' : line.includes(`<${folder}>`) ? 'sync folder' : 'sync other'];
      return /^(?:rename|link|unlink)/.test(name) && line.includes('/.put-') ? [name.replace(/at2?$/, '')] : [];
    });
  }
});
