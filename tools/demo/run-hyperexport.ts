import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { join, resolve } from 'node:path';
import { STOP_SIGNALS } from './stop.ts';

export const CHECKOUT = resolve(import.meta.dirname, '../..');
const LAUNCHER = join(CHECKOUT, 'apps/hyperexport/bin/hyperexport.mjs');

/** Runs the program as a person types it, on this terminal, and answers its exit code. Signals are its business: it ends at a checkpoint. */
export async function runHyperexport(args: readonly string[]): Promise<number> {
  const child = spawn(process.execPath, [LAUNCHER, ...args], { stdio: 'inherit' });
  // A terminal sends Ctrl-C to both processes; the program takes two signals at one time for one wish.
  const pass = (signal: NodeJS.Signals): void => void child.kill(signal);
  for (const signal of STOP_SIGNALS) process.on(signal, pass);
  try {
    return await new Promise<number>((settle, reject) => {
      child.on('error', reject);
      child.on('close', (code, signal) => settle(code ?? 128 + (signal ? constants.signals[signal] : 0)));
    });
  } finally {
    for (const signal of STOP_SIGNALS) process.off(signal, pass);
  }
}
