import { createInterface } from 'node:readline';
import { Writable, type Readable } from 'node:stream';

interface Streams {
  readonly input: Readable;
  write(text: string): void;
}

/** One line that is typed and not shown, on any terminal: nothing is drawn, so its width does not matter. Undefined when nobody wants to answer. */
export async function askHiddenLine({ input, write }: Streams, prompt: string): Promise<string | undefined> {
  // Readline takes the terminal out of its echo and edits the line; what it would draw goes nowhere.
  const lines = createInterface({ input, output: new Writable({ write: (_chunk, _encoding, done) => done() }), terminal: true });
  try {
    write(prompt);
    const { promise, resolve } = Promise.withResolvers<string | undefined>();
    lines.once('line', resolve);
    // Ctrl-C and Ctrl-D close it.
    lines.once('close', () => resolve(undefined));
    return await promise;
  } finally {
    lines.close();
    write('\n');
  }
}
