import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { HyperError } from '@hypersdk/domain';
import type { BootObservation, BootScreen, Cancel } from '@hypersdk/ports';
import { QMP_SOCKET } from './machine-arguments.ts';
import { QmpChannel, type QmpEvent } from './qmp-channel.ts';
import { parseScreen } from './screen.ts';
import { SerialLog } from './serial-log.ts';
import { isTextMode, parseTextMemory, TEXT_MEMORY } from './text-screen.ts';

export interface Launch {
  readonly command: string;
  readonly args: readonly string[];
  /** The folder that both sides see, here and as the emulator calls it. */
  readonly scratch: string;
  readonly scratchInside: string;
}

/** Linking and mapping take a second; a host that swaps takes longer. */
const START_TIMEOUT_MS = 60_000;
const COMPLAINT_MAX = 2000;
const SCREEN_FILE = 'screen.ppm';
const TEXT_FILE = 'text.bin';

type Child = ChildProcessByStdio<null, Readable, Readable>;

/** An emulator at work. Disposal ends it and settles when nothing of it is left. */
export class RunningMachine implements AsyncDisposable {
  readonly #child: Child;
  readonly #closed: Promise<unknown>;
  readonly #launch: Launch;
  readonly #serial = new SerialLog();
  #channel: QmpChannel | undefined;
  #complaint = '';
  #resets = 0;
  #isOff = false;
  #hasEnded = false;
  #startedAt = 0;
  #last: BootObservation | undefined;

  private constructor(child: Child, launch: Launch) {
    this.#child = child;
    this.#launch = launch;
    child.stdout.on('data', (chunk: Uint8Array) => this.#serial.append(chunk));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (this.#complaint = (this.#complaint + text).slice(-COMPLAINT_MAX)));
    child.on('error', (error) => (this.#complaint += error.message));
    // Settles only when nobody holds the pipes any more, the emulator inside of a sandbox included.
    this.#closed = once(child, 'close').then(
      () => (this.#hasEnded = true),
      () => (this.#hasEnded = true),
    );
  }

  /** Starts the emulator and then the guest. */
  static async open(launch: Launch, o: Cancel): Promise<RunningMachine> {
    await using undo = new AsyncDisposableStack();
    const events: { take: (event: QmpEvent) => void } = { take: () => undefined };
    const channel = undo.use(await QmpChannel.listen(join(launch.scratch, QMP_SOCKET), (event) => events.take(event)));
    o.signal.throwIfAborted();
    const child = spawn(launch.command, [...launch.args], {
      env: { TMPDIR: launch.scratch },
      cwd: '/',
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    const machine = undo.use(new RunningMachine(child, launch));
    events.take = (event) => machine.#note(event);
    await machine.#connect(channel, o);
    undo.move();
    return machine;
  }

  /** What the guest shows now. Once the emulator has ended, what it showed last. */
  async observe(): Promise<BootObservation> {
    if (this.#hasEnded) return this.#broken();
    try {
      const isOff = this.#isOff;
      // In this order: a guest that has said something has been read from the disk before.
      const common = this.#common();
      const traffic = await this.#traffic();
      const screen = await this.#screen();
      const text = screen && isTextMode(screen) ? await this.#text() : undefined;
      this.#last = {
        ...common,
        ...traffic,
        ...(screen === undefined ? {} : { screen }),
        ...(text === undefined ? {} : { text }),
        state: isOff ? 'off' : 'running',
      };
      return this.#last;
    } catch (error) {
      return this.#broken(error instanceof Error ? error.message : undefined);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#killAll();
    await this.#channel?.[Symbol.asyncDispose]();
    await this.#closed;
  }

  async #connect(channel: QmpChannel, { signal }: Cancel): Promise<void> {
    const waiting = new AbortController();
    const limit = AbortSignal.any([signal, waiting.signal, AbortSignal.timeout(START_TIMEOUT_MS)]);
    void this.#closed.then(() => waiting.abort());
    this.#channel = channel;
    try {
      await channel.accept({ signal: limit });
      this.#startedAt = performance.now();
      await channel.execute('cont', {});
    } catch (cause) {
      signal.throwIfAborted();
      throw new HyperError('boot/unavailable', `The emulator does not start: ${this.#why()}`, { cause });
    }
  }

  #note({ event, byGuest }: QmpEvent): void {
    if (event === 'RESET' && byGuest) this.#resets += 1;
    if (event === 'SHUTDOWN') this.#isOff = true;
  }

  #common(): Pick<BootObservation, 'elapsedMs' | 'serial' | 'resets'> {
    return { elapsedMs: performance.now() - this.#startedAt, serial: this.#serial.bytes(), resets: this.#resets };
  }

  #broken(message?: string): BootObservation {
    return {
      bytesRead: 0,
      bytesWritten: 0,
      ...this.#last,
      ...this.#common(),
      state: 'broken',
      why: this.#hasEnded ? this.#why() : (message ?? this.#why()),
    };
  }

  #why(): string {
    const said = this.#complaint.trim();
    if (said !== '') return said;
    if (this.#child.signalCode !== null) return `it was ended by ${this.#child.signalCode}.`;
    return this.#child.exitCode === null ? 'it says nothing.' : `it ended with code ${this.#child.exitCode}.`;
  }

  /** The emulator leads a group of its own, and whatever it may have started is in it. */
  #killAll(): void {
    const { pid } = this.#child;
    if (pid === undefined || this.#hasEnded) return;
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {
      // Nobody is left.
    }
  }

  async #traffic(): Promise<Pick<BootObservation, 'bytesRead' | 'bytesWritten'>> {
    const answer = await this.#channel?.execute('query-blockstats', {});
    const stats = Array.isArray(answer) ? answer : [];
    return { bytesRead: sumOf(stats, 'rd_bytes'), bytesWritten: sumOf(stats, 'wr_bytes') };
  }

  async #screen(): Promise<BootScreen | undefined> {
    await this.#channel?.execute('screendump', { filename: `${this.#launch.scratchInside}/${SCREEN_FILE}` });
    return parseScreen(await this.#collect(SCREEN_FILE));
  }

  async #text(): Promise<readonly string[]> {
    const { address, length } = TEXT_MEMORY;
    await this.#channel?.execute('pmemsave', { val: address, size: length, filename: `${this.#launch.scratchInside}/${TEXT_FILE}` });
    return parseTextMemory(await this.#collect(TEXT_FILE));
  }

  async #collect(name: string): Promise<Uint8Array> {
    const path = join(this.#launch.scratch, name);
    const bytes = await readFile(path);
    await rm(path, { force: true });
    return bytes;
  }
}

/** Disks that a guest uses have a device; firmware variables have none of ours. */
function sumOf(stats: readonly unknown[], field: string): number {
  return stats.reduce<number>((sum, one) => sum + countOf(one, field), 0);
}

function countOf(one: unknown, field: string): number {
  if (typeof one !== 'object' || one === null || !('device' in one) || !('stats' in one)) return 0;
  const { device, stats } = one;
  if (typeof device !== 'string' || !device.startsWith('disk') || typeof stats !== 'object' || stats === null) return 0;
  const count: unknown = Reflect.get(stats, field);
  return typeof count === 'number' && Number.isSafeInteger(count) && count >= 0 ? count : 0;
}
