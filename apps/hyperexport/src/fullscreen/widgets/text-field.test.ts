import { describe, expect, test } from 'vitest';
import { toKeys, toPaste } from './key.ts';
import { toText } from './line.ts';
import { drawField, editField, textOf, toField, type TextField } from './text-field.ts';

const edit = (field: TextField, ...ids: readonly string[]): TextField =>
  ids.reduce((before, id) => editField(before, id.length === 1 ? { id, text: id } : { id }) ?? before, field);

describe('a text field', () => {
  test('takes letters at the cursor and gives them back one by one, as people count letters', () => {
    expect(textOf(edit(toField('ab'), 'left', 'X'))).toBe('aXb');
    expect(textOf(edit(toField('we\u0301'), 'backspace'))).toBe('w');
    expect(textOf(edit(toField('a仮b'), 'home', 'right', 'delete'))).toBe('ab');
    expect(textOf(edit(toField('/backup/vms'), 'ctrl+w'))).toBe('/backup/');
    expect(textOf(edit(toField('/backup/vms'), 'left', 'ctrl+u'))).toBe('s');
  });

  test('leaves keys that are not for typing to others', () => {
    expect(editField(toField('x'), { id: 'enter' })).toBeUndefined();
    expect(editField(toField('x'), { id: 'up' })).toBeUndefined();
  });

  test('keeps its cursor in sight, however long the text is', () => {
    expect(toText([drawField(toField('0123456789'), 6)])).toBe('56789');
    expect(toText([drawField(edit(toField('0123456789'), 'home'), 6)])).toBe('01234…');
    expect(toText([drawField(toField('a\u001B[2J'), 20)])).toBe('a [2J');
  });
});

describe('keys', () => {
  test('typed faster than they are read are taken one by one', () => {
    expect(toKeys('ab\r', {}).map(({ id }) => id)).toEqual(['a', 'b', 'enter']);
    expect(toKeys('\u0003\u007F', {}).map(({ id }) => id)).toEqual(['ctrl+c', 'backspace']);
    expect(toKeys('', { upArrow: true })).toEqual([{ id: 'up' }]);
    expect(toKeys('', { tab: true, shift: true })).toEqual([{ id: 'backtab' }]);
  });

  test('of a paste are text, never commands', () => {
    expect(toPaste('rm\r\n-rf\u001B')).toEqual({ id: 'paste', text: 'rm -rf' });
  });
});
