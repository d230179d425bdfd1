import { setTimeout as delay } from 'node:timers/promises';
import type { BootMachine, BootObservation, BootProver, BootReadiness, BootScreen, Cancel } from '@hypersdk/ports';
import type { MemoryFiles } from './memory-files.ts';

/** One moment of a guest's life; what is left out stays as it was. */
export type GuestMoment = Partial<Omit<BootObservation, 'elapsedMs' | 'serial'>> & { readonly says?: string };

/** A guest for each machine it may be started on. After its last moment it waits for ever, unless it is off by then. */
export type GuestScript = (machine: BootMachine) => readonly GuestMoment[];

interface Options {
  readonly script: GuestScript;
  readonly readiness?: BootReadiness;
  /** Milliseconds of the guest's time from one observation to the next; none of ours. */
  readonly periodMs?: number;
}

const READY: BootReadiness = { ready: true, program: 'memory', version: '1', accelerator: 'tcg', firmwares: ['bios', 'uefi'], sandbox: 'none' };
const PERIOD_MS = 500;

/** Plays what guests would do: the reference for `BootProver`. */
export class MemoryBootProver implements BootProver {
  readonly #files: MemoryFiles;
  readonly #options: Options;
  /** Guests that run. */
  running = 0;

  constructor(files: MemoryFiles, options: Options) {
    this.#files = files;
    this.#options = options;
  }

  async probe({ signal }: Cancel): Promise<BootReadiness> {
    signal.throwIfAborted();
    return this.#options.readiness ?? READY;
  }

  async *boot(machine: BootMachine, { signal }: Cancel): AsyncGenerator<BootObservation> {
    signal.throwIfAborted();
    for (const { path } of machine.disks) this.#files.open(this.#files.locate(path));
    const moments = this.#options.script(machine);
    let now: BootObservation = { elapsedMs: 0, serial: new Uint8Array(0), bytesRead: 0, bytesWritten: 0, resets: 0, state: 'running' };
    let said = '';
    this.running += 1;
    try {
      for (let at = 0; ; at += 1) {
        await delay(0);
        signal.throwIfAborted();
        const { says = '', ...changes } = moments[at] ?? {};
        said += says;
        now = { ...now, ...changes, serial: new TextEncoder().encode(said), elapsedMs: now.elapsedMs + (this.#options.periodMs ?? PERIOD_MS) };
        yield now;
        if (now.state !== 'running') return;
      }
    } finally {
      this.running -= 1;
    }
  }
}

/** A picture of one grey pixel that carries its own name, so that tests can tell pictures apart. */
export function memoryScreen(digest: string, o: { readonly isBlank: boolean } = { isBlank: false }): BootScreen {
  const png = Buffer.alloc(24);
  png.write('\u0089PNG\r\n\u001A\n', 'latin1');
  png.write('IHDR', 12, 'latin1');
  png.writeUInt32BE(1, 16);
  png.writeUInt32BE(1, 20);
  return { width: 1, height: 1, png: new Uint8Array(png), digest, isBlank: o.isBlank };
}
