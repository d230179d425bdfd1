import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

/** Ids of processes of a sandboxed guest whose disk has this name. */
export async function guestsOf(name: string): Promise<readonly string[]> {
  const ids = (await readdir('/proc')).filter((id) => /^\d+$/.test(id));
  const lines = await Promise.all(ids.map((id) => readFile(`/proc/${id}/cmdline`, 'latin1').catch(() => '')));
  return ids.filter((_, at) => lines[at]?.includes(`/images/0/${name}`));
}

/** Nobody waits for the emulator any more: the kernel ends it, and a busy machine takes a moment for that. */
const PATIENCE_MS = 10_000;

export async function untilGone(name: string): Promise<void> {
  const until = performance.now() + PATIENCE_MS;
  for (;;) {
    const left = await guestsOf(name);
    if (left.length === 0) return;
    if (performance.now() > until) throw new Error(`These processes are left of ${name}: ${left.join(', ')}.`);
    await delay(50);
  }
}
