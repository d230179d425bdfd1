import { expect, test } from 'vitest';
import { parseOsRelease } from './os-release.ts';

test.each([
  [
    'ID=fedora\nVERSION_ID=41\nPRETTY_NAME="Fedora Linux 41 (Cloud Edition)"',
    { name: 'Fedora Linux 41 (Cloud Edition)', id: 'fedora', version: '41' },
  ],
  ['NAME=\'Some "Linux"\'\nVERSION=3', { name: 'Some "Linux" 3' }],
  ['# a comment\nPRETTY_NAME="costs \\$5 and \\`more\\`"\nbroken line\nID=', { name: 'costs $5 and `more`' }],
  ['PRETTY_NAME=Void\\ Linux', { name: 'Void Linux' }],
  ['', { name: 'Linux' }],
])('%j is read as a shell would', (text, expected) => {
  expect(parseOsRelease(text)).toEqual({ family: 'linux', ...expected });
});

test('a name that would fill the screen is cut', () => {
  expect(parseOsRelease(`PRETTY_NAME=${'x'.repeat(10_000)}`).name).toHaveLength(256);
});
