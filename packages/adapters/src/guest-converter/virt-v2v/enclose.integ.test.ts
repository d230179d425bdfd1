import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { missing } from '@hypersdk/testkit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { enclose } from './enclose.ts';
import { runProgram, type ProgramEnd } from './run-program.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'enclose-'));
  for (const name of ['work', 'appliance', 'secret']) await mkdir(join(folder, name));
  await writeFile(join(folder, 'image'), 'content');
  await writeFile(join(folder, 'secret/key'), 'secret');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const at = (name: string): string => join(folder, name);
const BWRAP = '/usr/bin/bwrap';

/** What a program could do that was taken over by a guest: here it is a shell. */
async function inside(
  script: string,
  o: { readonly signal?: AbortSignal; readonly timeLimitMs?: number } = {},
): Promise<ProgramEnd & { readonly said: string[] }> {
  const { args, env } = enclose({ work: at('work'), images: [at('image')], appliance: at('appliance'), accelerator: 'tcg' });
  const said: string[] = [];
  const program = { command: BWRAP, args: [...args, '/bin/sh', '-c', script], env, cwd: at('work'), timeLimitMs: o.timeLimitMs ?? 30_000 };
  const end = await runProgram(program, { signal: o.signal ?? new AbortController().signal, onLine: (line) => void said.push(line) });
  return { ...end, said };
}

describe.skipIf(missing('bwrap') || !existsSync(BWRAP))('from inside of the enclosure', { timeout: 60_000 }, () => {
  test('the image is read and cannot be written, and the work folder can', async () => {
    const { said } = await inside(`cat '${at('image')}'; echo; echo x 2>/dev/null >'${at('image')}' || echo refused; echo made >made`);
    expect(said).toEqual(['content', 'refused']);
    expect(await readFile(at('image'), 'utf8')).toBe('content');
    expect(await readFile(at('work/made'), 'utf8')).toBe('made\n');
  });

  test('files of people, and what lies beside the image, are not seen', async () => {
    const { said } = await inside(
      `ls '${at('secret')}' 2>/dev/null || echo unseen; ls -A /home /root 2>/dev/null | grep -v : | grep . || echo empty`,
    );
    expect(said).toEqual(['unseen', 'empty']);
  });

  test('nothing of the system can be written', async () => {
    const { said } = await inside('for d in /etc /usr /var/lib /var/tmp /boot; do touch $d/x-enclosed 2>/dev/null && echo $d; done; echo done');
    expect(said).toEqual(['done']);
  });

  test('there is no network, and no process of anybody else', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    expect(port).toBeGreaterThan(0);
    const { said } = await inside(
      `timeout 5 bash -c 'echo >/dev/tcp/127.0.0.1/${port}' 2>/dev/null || echo refused; test -d /proc/${process.pid} || echo alone`,
    );
    server.close();
    expect(said).toEqual(['refused', 'alone']);
  });

  test('the environment is ours alone', async () => {
    const { said } = await inside('env | cut -d= -f1 | sort | tr "\\n" " "');
    expect(said.join().trim()).toBe('HOME LC_ALL LIBGUESTFS_BACKEND LIBGUESTFS_BACKEND_SETTINGS LIBGUESTFS_CACHEDIR PATH PWD TMPDIR VIRT_V2V_TMPDIR');
  });

  test('what goes into the background ends with it, when it is called off and when its time is over', async () => {
    const stop = new AbortController();
    const started = performance.now();
    const escape = 'setsid sleep 1000 & (setsid sh -c "sleep 1000" &); echo up; sleep 1000';
    const late = await inside(escape, { timeLimitMs: 1500 });
    expect(late).toMatchObject({ isLate: true, said: ['up'] });
    setTimeout(() => stop.abort(new Error('called off')), 500);
    await expect(inside(escape, { signal: stop.signal })).rejects.toThrow('called off');
    // All of them hold the pipes: had one been left, this would not have come to its end.
    expect(performance.now() - started).toBeLessThan(50_000);
  });
});
