import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import type { CopyOutcome, CopyProgress, CopyRequest, ImageLocator } from '@hypersdk/ports';

const CHILD = fileURLToPath(new URL('copy-child.ts', import.meta.url));

/** What the child is asked to do; without a mark it takes the source's own at its start. */
export interface ChildOrder extends Omit<CopyRequest, 'sourceMark'> {
  readonly source: ImageLocator;
  readonly sourceMark?: string;
  readonly workers: number;
}

export type ChildReport =
  | { readonly type: 'mark'; readonly mark: string }
  | { readonly type: 'progress'; readonly progress: CopyProgress }
  | { readonly type: 'outcome'; readonly outcome: CopyOutcome; readonly bytesRead: number }
  | { readonly type: 'error'; readonly code: string; readonly message: string };

/** How a copy ended: by its own word, or by a signal. */
export type CopyEnd =
  | { readonly kind: 'done'; readonly outcome: CopyOutcome; readonly bytesRead: number }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string }
  | { readonly kind: 'killed'; readonly said: string };

export interface Surroundings {
  /** Program and arguments before Node, such as a tracer. */
  readonly under?: readonly string[];
  /** Compiled code is kept here between children: it halves the time to start. */
  readonly cache?: string;
}

/** A copy that runs in a child process. */
export class RunningCopy implements AsyncDisposable {
  readonly child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly ended: Promise<CopyEnd>;
  readonly #waiting = new Set<() => void>();
  #progress: CopyProgress | undefined;
  #mark: string | undefined;
  #isOver = false;

  constructor(order: ChildOrder, o: Surroundings) {
    const [program, ...args] = [...(o.under ?? []), process.execPath, CHILD, JSON.stringify(order)] as const;
    const env = { PATH: process.env['PATH'], HOME: '/nonexistent', ...(o.cache === undefined ? {} : { NODE_COMPILE_CACHE: o.cache }) };
    this.child = spawn(program, args, { env, stdio: ['pipe', 'pipe', 'pipe'], detached: true });
    this.ended = this.#follow();
  }

  /** The mark of the source under which it is copied, once that is known. */
  get mark(): string | undefined {
    return this.#mark;
  }

  get progress(): CopyProgress | undefined {
    return this.#progress;
  }

  /** Resolves at the first report that fits, or when the copy is over: whoever waits in vain must find out from the end. */
  async until(fits: (progress: CopyProgress) => boolean): Promise<void> {
    while (!this.#isOver && !(this.#progress && fits(this.#progress))) await new Promise<void>((resolve) => this.#waiting.add(resolve));
  }

  /** The whole process group: what runs under a tracer goes with it. */
  signal(signal: NodeJS.Signals): void {
    if (this.child.pid === undefined || this.#isOver) return;
    try {
      process.kill(-this.child.pid, signal);
    } catch {
      // It ended by itself at this very moment.
    }
  }

  async #follow(): Promise<CopyEnd> {
    const errors = text(this.child.stderr);
    const closed = once(this.child, 'close');
    let end: CopyEnd | undefined;
    for await (const line of createInterface({ input: this.child.stdout })) end = this.#take(line) ?? end;
    await closed;
    this.#isOver = true;
    this.#wake();
    return end ?? { kind: 'killed', said: await errors };
  }

  #take(line: string): CopyEnd | undefined {
    // A line that the kill cut in two is no report.
    const report = parseLine(line);
    if (report?.type === 'mark') this.#mark = report.mark;
    if (report?.type === 'progress') {
      this.#progress = report.progress;
      this.#wake();
    }
    if (report?.type === 'outcome') return { kind: 'done', outcome: report.outcome, bytesRead: report.bytesRead };
    if (report?.type === 'error') return { kind: 'failed', code: report.code, message: report.message };
    return undefined;
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.signal('SIGKILL');
    await this.ended;
  }
}

function parseLine(line: string): ChildReport | undefined {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
