import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { askHiddenLine } from './hidden-line.ts';

async function ask(typed: string): Promise<{ readonly answer: string | undefined; readonly shown: string }> {
  const input = new PassThrough();
  let shown = '';
  const asked = askHiddenLine({ input, write: (text) => void (shown += text) }, 'Passphrase: ');
  input.write(typed);
  return { answer: await asked, shown };
}

test('what is typed is answered and never shown', async () => {
  expect(await ask('sec ret\r')).toEqual({ answer: 'sec ret', shown: 'Passphrase: \n' });
});

test('a slip can be taken back', async () => {
  expect(await ask('sex\u007Fcret\r')).toMatchObject({ answer: 'secret' });
});

test('Ctrl-C and Ctrl-D leave it', async () => {
  expect(await ask('se\u0003')).toMatchObject({ answer: undefined });
  expect(await ask('\u0004')).toMatchObject({ answer: undefined });
});
