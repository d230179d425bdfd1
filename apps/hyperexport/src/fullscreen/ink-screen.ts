import { Box, render, Text, useApp, useInput, usePaste, type SuspendTerminal } from 'ink';
import { createElement, useEffect, type ReactNode } from 'react';
import type { Screen, ScreenEvents } from './screen.ts';
import { toKeys, toPaste } from './widgets/key.ts';
import type { Line, Span } from './widgets/line.ts';
import { windowSize } from './window.ts';

/** A screen on the terminal's other page, drawn by Ink: it knows which rows changed, reads keys, and puts the terminal back however the process ends. */
export function openInkScreen(events: ScreenEvents, o: { readonly hasColor: boolean }): Screen {
  const { stdout } = process;
  let suspend: SuspendTerminal | undefined;
  const page = (rows: readonly Line[]): ReactNode =>
    createElement(Page, { rows, events, hasColor: o.hasColor, onReady: (ready) => (suspend = ready) });
  const instance = render(page([]), {
    alternateScreen: true,
    // Its own look at CI variables would draw nothing in a terminal that happens to have one; that this is a terminal was asked before.
    interactive: true,
    incrementalRendering: true,
    // Whoever hears the screen is asked in plain lines, elsewhere.
    isScreenReaderEnabled: false,
    exitOnCtrlC: false,
    patchConsole: false,
  });
  const resized = (): void => events.onResize(windowSize());
  let isAway = false;
  stdout.on('resize', resized);
  return {
    draw: (rows) => instance.rerender(page(rows)),
    leaveFor: async (away) => {
      if (!suspend || isAway) return;
      isAway = true;
      try {
        await suspend(away);
      } finally {
        isAway = false;
      }
    },
    async [Symbol.asyncDispose]() {
      stdout.off('resize', resized);
      instance.unmount();
      await instance.waitUntilExit();
    },
  };
}

interface PageProps {
  readonly rows: readonly Line[];
  readonly events: ScreenEvents;
  readonly hasColor: boolean;
  readonly onReady: (suspend: SuspendTerminal) => void;
}

function Page({ rows, events, hasColor, onReady }: PageProps): ReactNode {
  const { suspendTerminal } = useApp();
  useEffect(() => {
    onReady(suspendTerminal);
  }, [onReady, suspendTerminal]);
  useInput((input, flags) => {
    for (const key of toKeys(input, flags)) events.onKey(key);
  });
  usePaste((text) => events.onKey(toPaste(text)));
  return createElement(Box, { flexDirection: 'column' }, ...rows.map((row) => toRow(row, hasColor)));
}

const toRow = (row: Line, hasColor: boolean): ReactNode =>
  createElement(Text, { wrap: 'truncate-end' }, ...row.map((part) => toText(part, hasColor)));

const toText = ({ text, bold = false, dim = false, inverse = false, color }: Span, hasColor: boolean): ReactNode =>
  createElement(Text, { bold, inverse, dimColor: dim, ...(hasColor && color !== undefined ? { color } : {}) }, text);
