import { Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { GuideLeft } from './asker.ts';
import { plainAsker } from './plain-asker.ts';

const choices = ['a', 'b', 'c'].map((value) => ({ value, label: `VM ${value}` }));
function asked(...typed: readonly string[]) {
  let shown = '';
  const asker = plainAsker({ input: Readable.from(typed.map((line) => `${line}\n`)), write: (text) => (shown += text) });
  return { asker, shown: () => shown };
}

describe('plain questions', () => {
  test('number their choices', async () => {
    const { asker, shown } = asked('2');
    expect(await asker.choose('Which?', choices)).toBe('b');
    expect(shown()).toBe('Which?\n  1. VM a\n  2. VM b\n  3. VM c\nNumber, 1 to 3: ');
  });

  test('take several numbers, each once, or all', async () => {
    const { asker } = asked('3 1,3', 'ALL');
    expect(await asker.chooseSome('Which?', choices)).toEqual(['c', 'a']);
    expect(await asker.chooseSome('Which?', choices)).toEqual(['a', 'b', 'c']);
  });

  test('say what is wrong and ask again', async () => {
    const { asker, shown } = asked('0', 'x', '', '1 9', '1', 'maybe', 'No', '', 'name');
    expect(await asker.chooseSome('Which?', choices)).toEqual(['a']);
    for (const wrong of ['"0"', '"x"', '""', '"9"']) expect(shown()).toContain(`${wrong} is none of the numbers.\n`);
    expect(await asker.confirm('Go?')).toBe(false);
    expect(await asker.text('Name')).toBe('name');
    expect(shown()).toContain('Type yes or no.\n');
  });

  test('take the offered answer for an empty line', async () => {
    const { asker, shown } = asked('');
    expect(await asker.text('Folder', '/backup')).toBe('/backup');
    expect(shown()).toBe('Folder [/backup]: ');
  });

  test('end when the input does, or when nothing makes sense', async () => {
    await expect(asked().asker.confirm('Go?')).rejects.toBeInstanceOf(GuideLeft);
    await expect(asked(...Array.from({ length: 30 }, () => '?')).asker.confirm('Go?')).rejects.toBeInstanceOf(GuideLeft);
  });
});
