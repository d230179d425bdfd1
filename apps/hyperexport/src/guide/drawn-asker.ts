import { confirm, log, multiselect, select, text } from '@clack/prompts';
import { GuideLeft, type Asker, type Choice } from './asker.ts';

/** Leaves room for the question and its frame in a window of 24 lines. */
const ITEMS_SHOWN_MAX = 12;

/** Questions that are answered with the arrow keys. */
export function drawnAsker(): Asker {
  return {
    say: (said) => log.message(said),
    choose: async (message, choices) => answered(await select({ message, options: toOptions(choices), maxItems: ITEMS_SHOWN_MAX })),
    chooseSome: async (message, choices) =>
      answered(await multiselect({ message, options: toOptions(choices), maxItems: ITEMS_SHOWN_MAX, required: true })),
    text: async (message, initial) =>
      answered(
        await text({
          message,
          ...(initial === undefined ? {} : { defaultValue: initial, placeholder: initial }),
          validate: (typed) => (initial === undefined && (typed ?? '').trim() === '' ? 'Type something.' : undefined),
        }),
      ),
    confirm: async (message) => answered(await confirm({ message })),
    [Symbol.dispose]: () => undefined,
  };
}

const toOptions = (choices: readonly Choice[]): { value: string; label: string }[] => choices.map(({ value, label }) => ({ value, label }));

/** Ctrl-C and Escape are answered with a symbol. */
function answered<Answer>(answer: Answer): Exclude<Answer, symbol> {
  if (typeof answer === 'symbol') throw new GuideLeft();
  return answer as Exclude<Answer, symbol>;
}
