import { speaksUnicode, wantsColor } from './config.ts';

/** What the program talks to: results go to `out`, progress and complaints to `err`. */
export interface Terminal {
  out(text: string): void;
  err(text: string): void;
  /** Standard error can be redrawn in place: its width is known. Bare consoles say that it is 0. */
  readonly canRedraw: boolean;
  readonly unicode: boolean;
  /** There is a person to ask: questions are seen, and answers come from a keyboard. */
  readonly canAsk: boolean;
  columns(): number;
  rows(): number;
  /** Paints text bound for `out`; answers it as it is where colour is not wanted. */
  paint(style: Style, text: string): string;
  /** Paints text bound for `err`. */
  paintError(style: Style, text: string): string;
  /** Calls back when the window changes its size, until disposed. */
  onResize(changed: () => void): Disposable;
}

type Style = 'bold' | 'green' | 'red';

// ECMA-48 §8.3.117, Select Graphic Rendition: on and off.
const SGR: Readonly<Record<Style, readonly [number, number]>> = { bold: [1, 22], green: [32, 39], red: [31, 39] };

const COLUMNS_DEFAULT = 80;
const ROWS_DEFAULT = 24;

const painter =
  (on: boolean) =>
  (style: Style, text: string): string => {
    const [start, end] = SGR[style];
    return on ? `\u001B[${start}m${text}\u001B[${end}m` : text;
  };

/** The terminal of this process. */
export function processTerminal(): Terminal {
  const { env, stdin, stdout, stderr } = process;
  endQuietlyWhenUnread();
  return {
    out: (text) => void stdout.write(text),
    err: (text) => void stderr.write(text),
    canRedraw: stderr.isTTY === true && stderr.columns > 0 && env['TERM'] !== 'dumb',
    unicode: speaksUnicode(env),
    canAsk: stdin.isTTY === true && stdout.isTTY === true,
    columns: () => stderr.columns || COLUMNS_DEFAULT,
    rows: () => stderr.rows || ROWS_DEFAULT,
    paint: painter(wantsColor(env, stdout.isTTY === true)),
    paintError: painter(wantsColor(env, stderr.isTTY === true)),
    onResize(changed) {
      stderr.on('resize', changed);
      return { [Symbol.dispose]: () => void stderr.off('resize', changed) };
    },
  };
}

/** A reader that went away (`hyperexport list | head`) is no failure of ours. */
function endQuietlyWhenUnread(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
    });
  }
}
