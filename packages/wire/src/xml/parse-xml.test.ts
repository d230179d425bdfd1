import fc from 'fast-check';
import { HyperError } from '@hypersdk/domain';
import { describe, expect, test } from 'vitest';
import { parseXml, XML_LIMITS } from './parse-xml.ts';
import { childNamed, childrenNamed, localName, type XmlElement } from './xml-element.ts';

describe('what is read', () => {
  test('elements, attributes and text come out as they are meant', () => {
    const root = parseXml(
      `<?xml version="1.0" encoding="utf-8"?>\r\n<!-- made by hand -->\r\n<a b='1 &lt; 2' c="tab\there"><d/>x &amp; <e>y</e><![CDATA[<z>]]>&#x41;&#66;</a>\n`,
    );
    expect(root.name).toBe('a');
    expect(Object.fromEntries(root.attributes)).toEqual({ b: '1 < 2', c: 'tab here' });
    expect(root.children.map(({ name }) => name)).toEqual(['d', 'e']);
    expect(root.text).toBe('x & <z>AB');
    expect(childNamed(root, 'e')?.text).toBe('y');
  });

  test('prefixes stay part of the name and can be taken off', () => {
    const root = parseXml('<v:root xmlns:v="urn:v"><v:a/><v:a/><b/></v:root>');
    expect(childrenNamed(root, 'v:a')).toHaveLength(2);
    expect(localName(root)).toBe('root');
  });

  test('line ends are read as line feeds', () => {
    expect(parseXml('<a>1\r\n2\r3</a>').text).toBe('1\n2\n3');
  });

  test('names may be written in any script', () => {
    expect(parseXml('<größe 名="1"/>').attributes.get('名')).toBe('1');
  });

  test('whatever is written is read back', () => {
    fc.assert(
      fc.property(elementOver(elementOver(elementOver())), (element) => {
        expect(parseXml(write(element))).toEqual(element);
      }),
    );
  });
});

describe('what is refused', () => {
  const cases: readonly (readonly [what: string, text: string])[] = [
    ['nothing at all', ''],
    ['text alone', 'hello'],
    ['a document type', '<!DOCTYPE a><a/>'],
    ['an external entity', '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>'],
    ['a parameter entity', '<!DOCTYPE a [<!ENTITY % x SYSTEM "http://192.0.2.1/x"> %x;]><a/>'],
    ['entities that grow', `<!DOCTYPE a [<!ENTITY b "${'x'.repeat(1000)}"><!ENTITY c "&b;&b;&b;">]><a>&c;</a>`],
    ['a processing instruction', '<a><?php echo 1 ?></a>'],
    ['a style sheet', '<?xml-stylesheet href="http://192.0.2.1/"?><a/>'],
    ['a declaration that is not at the start', ' <?xml version="1.0"?><a/>'],
    ['another encoding', '<?xml version="1.0" encoding="utf-16"?><a/>'],
    ['an unknown entity', '<a>&nbsp;</a>'],
    ['a bare ampersand', '<a>a & b</a>'],
    ['character zero', '<a>&#0;</a>'],
    ['half a surrogate pair', '<a>&#xD800;</a>'],
    ['a character beyond Unicode', '<a>&#x110000;</a>'],
    ['a control character', '<a>\u0001</a>'],
    ['an open element', '<a><b></b>'],
    ['crossed elements', '<a><b></a></b>'],
    ['a second root', '<a/><b/>'],
    ['text after the root', '<a/>x'],
    ['CDATA outside of the root', '<a/><![CDATA[x]]>'],
    ['an open comment', '<a><!-- x </a>'],
    ['two dashes in a comment', '<a><!-- x -- y --></a>'],
    ['an attribute without quotes', '<a b=1/>'],
    ['an attribute twice', '<a b="1" b="2"/>'],
    ['attributes without space between', '<a b="1"c="2"/>'],
    ['a "<" in an attribute', '<a b="<"/>'],
    ['"]]>" in text', '<a>]]></a>'],
    ['an end tag alone', '</a>'],
    ['a tag that is cut short', '<a b="1"'],
  ];
  test.each(cases)('%s', (_, text) => expectRefusal(text));

  test('a refusal names the line', () => {
    expect(() => parseXml('<a>\n\n<b></c>\n</a>')).toThrow(/line 3/);
  });
});

describe('what is too much', () => {
  const cases: readonly (readonly [what: string, text: () => string])[] = [
    ['depth', () => '<a>'.repeat(XML_LIMITS.depth + 1)],
    ['a hundred thousand levels', () => '<a>'.repeat(100_000)],
    ['elements', () => `<a>${'<b/>'.repeat(XML_LIMITS.elements)}</a>`],
    ['attributes', () => `<a ${Array.from({ length: 65 }, (_, at) => `b${at}="1"`).join(' ')}/>`],
    ['a long name', () => `<${'a'.repeat(300)}/>`],
    ['text', () => `<a>${'x'.repeat(XML_LIMITS.text + 1)}</a>`],
    ['text in pieces', () => `<a>${'<![CDATA[x]]>'.repeat(20)}${'y'.repeat(XML_LIMITS.text)}</a>`],
    ['a million references', () => `<a>${'&#65;'.repeat(800_000)}</a>`],
    ['characters', () => `<a>${' '.repeat(XML_LIMITS.characters)}</a>`],
    ['an attribute name without end', () => `<a ${'b'.repeat(1_000_000)}`],
    ['white space without end', () => `<a ${' '.repeat(1_000_000)}`],
    ['a million comments, the last one open', () => `<a>${'<!---->'.repeat(300_000)}<!--</a>`],
    ['a value without end', () => `<a b="${'x'.repeat(1_000_000)}`],
    ['a million open angles', () => '<'.repeat(1_000_000)],
  ];
  test.each(cases)('%s, refused in little time', (_, text) => {
    const document = text();
    const begun = process.cpuUsage();
    expectRefusal(document);
    const { user, system } = process.cpuUsage(begun);
    // 50 ms is the bar, in microseconds of this process; a busy machine makes even those slower.
    expect(user + system).toBeLessThan(1_000_000);
  });

  test('any text is either read or refused, and nothing else', () => {
    const soup = fc.array(
      fc.constantFrom(
        '<',
        '>',
        '/',
        '<a',
        '</a>',
        '<a>',
        ' b="1"',
        '&lt;',
        '&',
        ';',
        '<!--',
        '-->',
        '<![CDATA[',
        ']]>',
        '<?xml version="1.0"?>',
        'x',
        '"',
        "'",
        '=',
      ),
      { maxLength: 40 },
    );
    fc.assert(
      fc.property(soup, (pieces) => {
        try {
          parseXml(pieces.join(''));
        } catch (reason) {
          expect(reason).toBeInstanceOf(HyperError);
        }
      }),
      { numRuns: 2000 },
    );
  });
});

function expectRefusal(text: string): void {
  try {
    parseXml(text);
  } catch (reason) {
    expect(reason).toMatchObject({ code: 'document/malformed' });
    return;
  }
  expect.fail('The document was read.');
}

const NAMES = fc.constantFrom('a', 'b', 'disk', 'x:y', 'größe');
const TEXTS = fc.string({ unit: fc.constantFrom('a', '<', '>', '&', '"', "'", ']', ' ', 'ä', '\n'), maxLength: 8 });

const ATTRIBUTES = fc
  .dictionary(NAMES, TEXTS, { maxKeys: 3, noNullPrototype: true })
  .map((values) => new Map(Object.entries(values).map(([name, text]) => [name, text.replaceAll('\n', ' ')])));

const elementOver = (inner?: fc.Arbitrary<XmlElement>): fc.Arbitrary<XmlElement> =>
  fc.record({ name: NAMES, attributes: ATTRIBUTES, children: inner ? fc.array(inner, { maxLength: 3 }) : fc.constant([]), text: TEXTS });

function write({ name, attributes, children, text }: XmlElement): string {
  const escape = (value: string): string => value.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
  return `<${name}${[...attributes].map(([key, value]) => ` ${key}="${escape(value)}"`).join('')}>${escape(text)}${children.map(write).join('')}</${name}>`;
}
