import { expect, test } from 'vitest';
import { readNews } from './read-news.ts';

const line = (type: unknown, message: unknown): string => JSON.stringify({ message, timestamp: '2026-01-01T00:00:00.000000000+00:00', type });

test.each([
  ['message', 'step'],
  ['info', 'note'],
  ['warning', 'warning'],
  ['error', 'error'],
])('what virt-v2v calls %s is a %s', (type, kind) => {
  expect(readNews(line(type, 'Opening the source'))).toEqual({ kind, text: 'Opening the source' });
});

test.each([
  ['words for people', '[   1.2] Opening the source'],
  ['half a line', '{ "message": "Opening'],
  ['another document', '{}'],
  ['an unknown kind', line('progress', 'x')],
  ['a kind that every object has', line('constructor', 'x')],
  ['a text that is none', line('info', 7)],
  ['a list', '[]'],
])('%s is nothing that was said', (_, text) => {
  expect(readNews(text)).toBeUndefined();
});

test('what the guest has it say is bounded', () => {
  expect(readNews(line('warning', 'x'.repeat(100_000)))?.text).toHaveLength(2000);
});
