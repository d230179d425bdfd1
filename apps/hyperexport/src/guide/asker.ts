/** One of several answers. The label is what a person reads, already harmless. */
export interface Choice {
  readonly value: string;
  readonly label: string;
}

/** Asks a person, one question at a time. Whoever leaves instead of answering is thrown as `GuideLeft`. */
export interface Asker extends Disposable {
  say(text: string): void;
  choose(question: string, choices: readonly Choice[]): Promise<string>;
  /** At least one. */
  chooseSome(question: string, choices: readonly Choice[]): Promise<readonly string[]>;
  /** Text that is not empty; `initial` is the answer of whoever only presses Enter. */
  text(question: string, initial?: string): Promise<string>;
  confirm(question: string): Promise<boolean>;
}

export class GuideLeft extends Error {
  constructor() {
    super('The questions were left');
    this.name = 'GuideLeft';
  }
}
