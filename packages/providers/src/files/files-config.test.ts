import { expect, test } from 'vitest';
import { parseFilesConfig } from './files-config.ts';

test('what is left out is the careful choice', () => {
  expect(parseFilesConfig({ path: '/images' })).toEqual({ path: '/images', recursive: false, references: 'refuse' });
  expect(parseFilesConfig({ path: 'images', recursive: true, references: 'beside' })).toEqual({
    path: 'images',
    recursive: true,
    references: 'beside',
  });
});

const wrong: readonly (readonly [what: string, config: unknown])[] = [
  ['nothing', undefined],
  ['text', '/images'],
  ['a list', ['/images']],
  ['no path', {}],
  ['an empty path', { path: '' }],
  ['a path with a NUL', { path: '/images\0/x' }],
  ['a path without end', { path: '/'.repeat(5000) }],
  ['an unknown field', { path: '/images', follow: true }],
  ['text for a choice of two', { path: '/images', recursive: 'yes' }],
  ['an unknown policy', { path: '/images', references: 'follow' }],
];
test.each(wrong)('%s is refused as a wrong usage', (_, config) => {
  try {
    parseFilesConfig(config);
  } catch (reason) {
    expect(reason).toMatchObject({ code: 'usage/invalid' });
    return;
  }
  expect.fail('The configuration was taken.');
});
