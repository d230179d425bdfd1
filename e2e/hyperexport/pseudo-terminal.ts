import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import { CACHE, LAUNCHER, type Surroundings } from './program.ts';

// Reads lines from standard input: `key HEX` types bytes, `size COLUMNS ROWS` resizes the window as a terminal does (TIOCSWINSZ sends SIGWINCH),
// `signal NUMBER` sends a signal to the program and all that it started.
const DRIVER = `
import fcntl, os, pty, select, struct, sys, termios
pid, master = pty.fork()
if pid == 0:
    os.execvp(sys.argv[3], sys.argv[3:])
def size(columns, rows):
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack('HHHH', rows, columns, 0, 0))
size(int(sys.argv[1]), int(sys.argv[2]))
orders = ''
watched = [master, 0]
while True:
    ready, _, _ = select.select(watched, [], [])
    if master in ready:
        try:
            shown = os.read(master, 65536)
        except OSError:
            break
        if not shown:
            break
        os.write(1, shown)
    if 0 in ready:
        more = os.read(0, 4096)
        if not more:
            # Whoever drives is gone.
            os.killpg(pid, 9)
            watched = [master]
        orders += more.decode()
        while '\\n' in orders:
            order, orders = orders.split('\\n', 1)
            words = order.split(' ')
            if words[0] == 'key':
                os.write(master, bytes.fromhex(words[1]))
            elif words[0] == 'signal':
                os.killpg(pid, int(words[1]))
            else:
                size(int(words[1]), int(words[2]))
_, status = os.waitpid(pid, 0)
code = os.waitstatus_to_exitcode(status)
sys.exit(code if code >= 0 else 128 - code)
`;

export interface PseudoTerminal {
  /** Everything shown so far, control sequences included. */
  shown(): string;
  /** Resolves once the screen has shown this. */
  until(pattern: RegExp): Promise<void>;
  type(keys: string): void;
  resize(columns: number, rows: number): void;
  /** To the program and all that it started. */
  signal(name: NodeJS.Signals): void;
  /** The exit code as a shell tells it: 128 and the signal for a program that a signal ended. */
  readonly ended: Promise<number | null>;
}

export const CTRL_C = '\u0003';
const UNTIL_TIMEOUT_MS = 20_000;
const LOOK_EVERY_MS = 10;

interface Window {
  readonly columns?: number;
  readonly rows?: number;
  /** Told of everything shown, as it comes. */
  readonly onShown?: (text: string) => void;
}

/** Runs hyperexport in a real pseudo-terminal, 80 columns by 24 rows unless said otherwise. */
export const runInTerminal = (args: readonly string[], o: Surroundings & Window): PseudoTerminal =>
  runProgramInTerminal([o.node ?? process.execPath, LAUNCHER, ...args], o);

/** The same for any program, such as a shell. */
export function runProgramInTerminal(words: readonly string[], o: Surroundings & Window): PseudoTerminal {
  const child = spawn('python3', ['-c', DRIVER, String(o.columns ?? 80), String(o.rows ?? 24), ...words], {
    cwd: o.cwd,
    env: {
      PATH: process.env['PATH'],
      HOME: o.state,
      XDG_CACHE_HOME: CACHE,
      HYPERSDK_STATE: o.state,
      TERM: 'xterm-256color',
      LANG: 'C.UTF-8',
      ...o.env,
    },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let shown = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    shown += text;
    o.onShown?.(text);
  });
  const ended = once(child, 'close').then(() => child.exitCode);
  return {
    shown: () => shown,
    async until(pattern) {
      const deadline = performance.now() + UNTIL_TIMEOUT_MS;
      while (!pattern.test(shown)) {
        if (performance.now() > deadline || child.exitCode !== null) throw new Error(`The terminal never showed ${String(pattern)} but:\n${shown}`);
        await new Promise((done) => setTimeout(done, LOOK_EVERY_MS));
      }
    },
    type: (keys) => void child.stdin.write(`key ${Buffer.from(keys).toString('hex')}\n`),
    resize: (columns, rows) => void child.stdin.write(`size ${columns} ${rows}\n`),
    signal: (name) => void child.stdin.write(`signal ${constants.signals[name]}\n`),
    ended,
  };
}

// ECMA-48 §5.4: control sequences begin with CSI and end in a byte from @ to ~.
const CONTROL = /\u001B\[[0-?]*[ -/]*[@-~]/g;

/** The lines that were drawn, without control sequences. */
export const linesOf = (shown: string): readonly string[] =>
  shown
    .replaceAll(CONTROL, '')
    .split(/[\r\n]+/)
    .filter((line) => line !== '');
