import { HyperError } from '@hypersdk/domain';
import { canDraw } from '../fullscreen/window.ts';
import type { Terminal } from '../terminal.ts';

/** Asked without being shown, twice, because nobody can undo a slip. */
export async function askNewPassphrase(terminal: Pick<Terminal, 'canAsk'>): Promise<string> {
  const first = await ask(terminal, 'Passphrase to encrypt with');
  if ((await ask(terminal, 'The same passphrase again')) === first) return first;
  throw new HyperError('usage/invalid', 'The two passphrases are not the same.');
}

export const askPassphrase = (terminal: Pick<Terminal, 'canAsk'>, file: string): Promise<string> => ask(terminal, `Passphrase of ${file}`);

async function ask({ canAsk }: Pick<Terminal, 'canAsk'>, message: string): Promise<string> {
  if (!canAsk) throw new HyperError('usage/invalid', 'There is nobody to ask for a passphrase: this is no terminal. Name a file that holds it.');
  // A console that says it has no columns gets each character of a drawn question in a line of its own.
  if (!canDraw(process.env)) return await askPlainly(message);
  const { isCancel, password } = await import('@clack/prompts');
  const answer = await password({ message, validate: (typed) => (typed ? undefined : 'Type something.') });
  if (isCancel(answer)) throw noneGiven();
  return answer;
}

async function askPlainly(message: string): Promise<string> {
  const { askHiddenLine } = await import('./hidden-line.ts');
  const answer = await askHiddenLine({ input: process.stdin, write: (text) => void process.stderr.write(text) }, `${message}: `);
  if (answer === undefined || answer === '') throw noneGiven();
  return answer;
}

const noneGiven = (): HyperError => new HyperError('usage/invalid', 'No passphrase was given.');
