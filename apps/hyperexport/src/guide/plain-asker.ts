import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { GuideLeft, type Asker, type Choice } from './asker.ts';

/** Whoever has typed nonsense this often wants something else. */
const ATTEMPTS_MAX = 20;

interface Streams {
  readonly input: Readable;
  write(text: string): void;
}

/** Questions in plain lines, choices by number: for screen readers and dumb terminals. Nothing is redrawn, so nothing is read twice. */
export function plainAsker({ input, write }: Streams): Asker {
  // The terminal itself echoes and edits the line; readline must not draw it again.
  const lines = createInterface({ input, terminal: false });
  const answers = lines[Symbol.asyncIterator]();
  const readLine = async (): Promise<string> => {
    const next = await answers.next();
    if (next.done) throw new GuideLeft();
    return next.value.trim();
  };
  /** Asks until `parse` takes the answer; it answers a sentence that says what is wrong otherwise. */
  async function ask<Answer>(prompt: string, parse: (typed: string) => Answer | Complaint): Promise<Answer> {
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
      write(prompt);
      const answer = parse(await readLine());
      if (!(answer instanceof Complaint)) return answer;
      write(`${answer.text}\n`);
    }
    throw new GuideLeft();
  }
  const list = (question: string, choices: readonly Choice[]): void =>
    write(`${question}\n${choices.map(({ label }, at) => `  ${at + 1}. ${label}\n`).join('')}`);

  return {
    say: (text) => write(`${text}\n`),
    async choose(question, choices) {
      list(question, choices);
      return ask(`Number, 1 to ${choices.length}: `, (typed) => pick(choices, typed));
    },
    async chooseSome(question, choices) {
      list(question, choices);
      return ask('Numbers with blanks between, or "all": ', (typed) => pickSome(choices, typed));
    },
    text: (question, initial) =>
      ask(`${question}${initial === undefined ? '' : ` [${initial}]`}: `, (typed) =>
        typed === '' ? (initial ?? new Complaint('Type something.')) : typed,
      ),
    confirm: (question) => ask(`${question} (yes or no): `, toYesOrNo),
    [Symbol.dispose]: () => lines.close(),
  };
}

class Complaint {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

function pick(choices: readonly Choice[], typed: string): string | Complaint {
  const choice = /^\d{1,6}$/.test(typed) ? choices[Number(typed) - 1] : undefined;
  return choice?.value ?? new Complaint(`"${typed}" is none of the numbers.`);
}

function pickSome(choices: readonly Choice[], typed: string): readonly string[] | Complaint {
  if (typed.toLowerCase() === 'all') return choices.map(({ value }) => value);
  const picked = new Set<string>();
  for (const word of typed.split(/[\s,]+/)) {
    const value = pick(choices, word);
    if (value instanceof Complaint) return value;
    picked.add(value);
  }
  return [...picked];
}

function toYesOrNo(typed: string): boolean | Complaint {
  if (/^y(?:es)?$/i.test(typed)) return true;
  return /^no?$/i.test(typed) ? false : new Complaint('Type yes or no.');
}
