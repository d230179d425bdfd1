import { describe, expect, test } from 'vitest';
import { parseXml } from './parse-xml.ts';
import { xml, xmlText } from './write-xml.ts';

describe('written XML', () => {
  test('an element holds its attributes and children, and is closed at once when it has none', () => {
    expect(xml('disk', { name: 'vda', backup: 'yes', alias: undefined }, xml('scratch', { file: '/x' }))).toBe(
      '<disk name="vda" backup="yes"><scratch file="/x"/></disk>',
    );
  });

  test('what is written is read back as it was, whatever it means in XML', () => {
    const text = `a<b> & "c" 'd' ]]> Größe 𝄞 \r\n\t.`;
    const element = parseXml(xml('name', { value: text }, xmlText(text)));
    expect(element.attributes.get('value')).toBe(text);
    expect(element.text).toBe(text);
  });

  test.each(['\0', '\u001b', '\ud800', '\uffff'])('%j cannot be written', (character) => {
    expect(() => xmlText(`a${character}b`)).toThrow(RangeError);
  });
});
