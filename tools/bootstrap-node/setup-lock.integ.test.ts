import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

const LOCK = JSON.stringify(new URL('setup-lock.mjs', import.meta.url).href);
const CONTENDERS = 5;

let folder = '';

describe('the lock of the set-up', () => {
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'hypersdk-lock-'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  test('several processes have their turns one after another and leave nothing behind', async () => {
    await Promise.all(Array.from({ length: CONTENDERS }, () => ended(contend('await new Promise((settle) => setTimeout(settle, 50));'))));
    const log = readFileSync(join(folder, 'log'), 'utf8').trim().split('\n');
    expect(log).toEqual(Array.from({ length: CONTENDERS }, () => ['in', 'out']).flat());
    expect(readdirSync(join(folder, 'lock'))).toEqual([]);
  });

  test('a process that was killed holds nobody up', async () => {
    const holder = contend('await new Promise((settle) => setTimeout(settle, 60_000));');
    await entered();
    holder.kill('SIGKILL');
    await ended(contend(''));
    expect(readFileSync(join(folder, 'log'), 'utf8')).toBe('in\nin\nout\n');
  });

  test('a child that outlives its killed parent still holds the lock', async () => {
    const holder = contend(`
      const { spawn } = await import('node:child_process');
      register(spawn('sleep', ['1.5'], { stdio: 'ignore' }).pid);
      await new Promise((settle) => setTimeout(settle, 60_000));`);
    await entered();
    await sleep(300);
    holder.kill('SIGKILL');
    const next = ended(contend(''));
    await sleep(500);
    expect(readFileSync(join(folder, 'log'), 'utf8')).toBe('in\n');
    await next;
    expect(readFileSync(join(folder, 'log'), 'utf8')).toBe('in\nin\nout\n');
  });
});

/** A process that writes when it enters and leaves, and does `work` in between. */
function contend(work: string): ChildProcess {
  const script = `
    import { appendFileSync } from 'node:fs';
    import { withSetupLock } from ${LOCK};
    await withSetupLock(${JSON.stringify(join(folder, 'lock'))}, async (register) => {
      appendFileSync(${JSON.stringify(join(folder, 'log'))}, 'in\\n');
      ${work}
      appendFileSync(${JSON.stringify(join(folder, 'log'))}, 'out\\n');
    });`;
  return spawn(process.execPath, ['--input-type=module', '--eval', script], { stdio: 'ignore' });
}

const ended = (child: ChildProcess): Promise<unknown> => once(child, 'close');

async function entered(): Promise<void> {
  await expect.poll(() => readdirSync(folder).includes('log'), { timeout: 10_000 }).toBe(true);
}
