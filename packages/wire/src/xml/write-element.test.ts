import { describe, expect, test } from 'vitest';
import { parseXml } from './parse-xml.ts';
import { writeElement } from './write-element.ts';

describe('an element that is written again', () => {
  test('is the same when it is read', () => {
    const text = `<a:b xmlns:a="urn:a" c="1 &lt; 2"><d/><e>x &amp; &quot;y&quot;\n z</e><e f="&apos;"/></a:b>`;
    expect(parseXml(writeElement(parseXml(text)))).toEqual(parseXml(text));
  });

  test('has no white space between its elements', () => {
    expect(writeElement(parseXml('<a>\n  <b> 1 </b>\n  <c/>\n</a>'))).toBe('<a><b> 1 </b><c/></a>');
  });
});
