import { relative, resolve } from 'node:path';
import { wantsColor } from '../../apps/hyperexport/src/config.ts';
import { shellWord } from '../../apps/hyperexport/src/output/shell-word.ts';

export const write = (text: string): void => void process.stdout.write(text);

const isColored = wantsColor(process.env, process.stdout.isTTY === true);

// ECMA-48 §8.3.117, Select Graphic Rendition.
const painter =
  ([start, end]: readonly [number, number]) =>
  (text: string): string =>
    isColored ? `\u001B[${start}m${text}\u001B[${end}m` : text;

export const bold = painter([1, 22]);
export const faint = painter([2, 22]);
export const green = painter([32, 39]);

export const heading = (number: string, title: string): void => write(`\n${bold(`${number}  ${title}`)}\n`);

/** As short as it can be typed from here. */
export function shownPath(path: string): string {
  const short = relative(process.cwd(), path);
  return short === '' || short.startsWith('..') ? resolve(path) : short;
}

/** A command as a person types it in the checkout; paths are shortened. */
export const commandLine = (words: readonly string[]): string =>
  ['npx', 'hyperexport', ...words.map((word) => shellWord(word.startsWith('/') ? shownPath(word) : word))].join(' ');
