import type { Terminal } from '../terminal.ts';
import type { Asker } from './asker.ts';

/** Questions as they suit the terminal. The library that draws them is loaded only here. */
export async function openAsker(terminal: Terminal, o: { readonly plain: boolean }): Promise<Asker> {
  if (terminal.canRedraw && !o.plain) return (await import('./drawn-asker.ts')).drawnAsker();
  const { plainAsker } = await import('./plain-asker.ts');
  return plainAsker({ input: process.stdin, write: terminal.out });
}
