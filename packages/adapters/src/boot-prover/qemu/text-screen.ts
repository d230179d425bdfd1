import type { BootScreen } from '@hypersdk/ports';

/** VGA keeps characters in text mode from here on, each followed by its colours; consoles scroll by moving the start within these 32 KiB. */
export const TEXT_MEMORY = { address: 0xb8000, length: 32 * 1024 } as const;

const COLUMNS = 80;
// 25 rows of 16 lines; characters are 9 or 8 dots wide.
const TEXT_SIZES: ReadonlySet<string> = new Set(['720x400', '640x400']);

export const isTextMode = ({ width, height }: Pick<BootScreen, 'width' | 'height'>): boolean => TEXT_SIZES.has(`${width}x${height}`);

/** Lines of text, without what is empty. */
export function parseTextMemory(memory: Uint8Array): readonly string[] {
  const lines: string[] = [];
  for (let at = 0; at + COLUMNS * 2 <= memory.length; at += COLUMNS * 2) {
    let line = '';
    for (let column = 0; column < COLUMNS; column += 1) line += toLetter(memory[at + column * 2] ?? 0);
    lines.push(line.trimEnd());
  }
  return lines.filter((line) => line !== '');
}

/** Of code page 437 only what is ASCII: the rest draws frames. */
const toLetter = (code: number): string => (code > 0x20 && code < 0x7f ? String.fromCharCode(code) : ' ');
