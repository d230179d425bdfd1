import xterm from '@xterm/headless';
import type { Surroundings } from './program.ts';
import { LAUNCHER } from './program.ts';
import { runProgramInTerminal, type PseudoTerminal } from './pseudo-terminal.ts';

/** A pseudo-terminal and what a person sees in it: a terminal emulator interprets everything that is shown. */
export interface ScreenModel extends PseudoTerminal {
  /** The rows that are seen now, without blanks at their ends. */
  rows(): Promise<readonly string[]>;
  /** Resolves once what is seen matches; throws with what was seen instead. */
  sees(pattern: RegExp): Promise<string>;
  /** Whether programs have turned to the other page, on which nothing is kept. */
  isAlternate(): boolean;
}

const SEES_TIMEOUT_MS = 30_000;
const LOOK_EVERY_MS = 20;

/** Runs hyperexport, or other words, in a window of this size. */
export function runOnScreen(
  args: readonly string[],
  o: Surroundings & { readonly columns?: number; readonly rows?: number; readonly program?: readonly string[] },
): ScreenModel {
  const { columns = 80, rows = 24 } = o;
  const emulator = new xterm.Terminal({ cols: columns, rows, allowProposedApi: true, scrollback: 1000 });
  const program = o.program ?? [o.node ?? process.execPath, LAUNCHER];
  const terminal = runProgramInTerminal([...program, ...args], { ...o, columns, rows, onShown: (text) => emulator.write(text) });
  const seen = async (): Promise<readonly string[]> => {
    await new Promise<void>((written) => emulator.write('', written));
    const { active } = emulator.buffer;
    return Array.from({ length: emulator.rows }, (_, at) => active.getLine(active.baseY + at)?.translateToString(true) ?? '');
  };
  return {
    ...terminal,
    rows: seen,
    async sees(pattern) {
      const deadline = performance.now() + SEES_TIMEOUT_MS;
      for (;;) {
        const text = (await seen()).join('\n');
        if (pattern.test(text)) return text;
        if (performance.now() > deadline) throw new Error(`The screen never showed ${String(pattern)} but:\n${text}`);
        await new Promise((done) => setTimeout(done, LOOK_EVERY_MS));
      }
    },
    isAlternate: () => emulator.buffer.active.type === 'alternate',
    resize(wide, high) {
      emulator.resize(wide, high);
      terminal.resize(wide, high);
    },
  };
}
