import type { Draft } from './change.ts';
import { toNames, type Names } from './names.ts';

/** A format that is recognised and refused with the reason that it is not read yet; every list of formats knows it. */
export function draftFormat(draft: Draft, name: string): void {
  const names = toNames(name);
  const folder = `packages/disk/src/format/${names.kebab}`;
  if (draft.exists(folder)) throw new Error(`${folder} is there already.`);
  draft.write(`${folder}/index.ts`, `export { ${names.camel}Reader } from './reader.ts';\nexport { ${names.camel}Writer } from './writer.ts';\n`);
  draft.write(`${folder}/header.ts`, header(names));
  draft.write(`${folder}/reader.ts`, reader(names));
  draft.write(`${folder}/reader.test.ts`, readerTest(names));
  draft.write(`${folder}/writer.ts`, writer(names));
  draft.write(`changelog/unreleased/format-${names.kebab}.md`, `Images in the format ${names.kebab} are recognised.\n`);
  draft.insert('packages/domain/src/image.ts', /\] as const/, `, '${names.kebab}'`);
  const list = 'packages/disk/src/format/formats.ts';
  draft.insert(list, /\n\/\*\*/, `import { ${names.camel}Reader, ${names.camel}Writer } from './${names.kebab}/index.ts';\n`);
  draft.insert(list, /,?\s*\};\n\nexport const imageWriters/, `, '${names.kebab}': ${names.camel}Reader`);
  draft.insert(list, /,?\s*\};\n$/, `, '${names.kebab}': ${names.camel}Writer`);
  draft.insert(
    'packages/testkit/src/arbitrary/image-settings.ts',
    /(?<=const settingsByFormat[^\n]*\n)/,
    `  '${names.kebab}': fc.constant({ format: '${names.kebab}' }),\n`,
  );
}

const header = ({ kebab }: Names): string => `// Name the specification here, with its version and section.
import type { ByteFile } from '../../file/byte-file.ts';
import { refuse } from '../refusal.ts';

export interface Header {
  readonly version: number;
}

/** The first bytes of every image of this format. */
export const SIGNATURE = '${kebab.slice(0, 8).toUpperCase()}';
export const HEADER_SIZE = 512;

export function parseHeader(file: ByteFile): Header {
  const place = { format: '${kebab}', path: file.path } as const;
  if (file.size < HEADER_SIZE) throw refuse('image/malformed', 'the header is cut short', place);
  const bytes = new Uint8Array(HEADER_SIZE);
  file.read(0, bytes);
  if (!isSigned(bytes)) throw refuse('image/malformed', 'the signature is missing', { ...place, offset: 0 });
  return { version: new DataView(bytes.buffer).getUint32(SIGNATURE.length) };
}

export const isSigned = (head: Uint8Array): boolean => Buffer.from(head.subarray(0, SIGNATURE.length)).toString('latin1') === SIGNATURE;
`;

const reader = ({ kebab, camel }: Names): string => `import type { ByteFile } from '../../file/byte-file.ts';
import type { DiskImage, ImageReader } from '../disk-image.ts';
import { refuse } from '../refusal.ts';
import { isSigned, parseHeader } from './header.ts';

export const ${camel}Reader = {
  format: '${kebab}',
  probe: isSigned,
  open(file: ByteFile): DiskImage {
    const { version } = parseHeader(file);
    throw refuse('image/unsupported', \`version \${version} is not read yet\`, { format: '${kebab}', path: file.path });
  },
} as const satisfies ImageReader;
`;

const readerTest = ({ kebab, camel }: Names): string => `import { describe, expect, test } from 'vitest';
import { MemoryFile } from '../../file/memory-file.ts';
import { HEADER_SIZE, SIGNATURE } from './header.ts';
import { ${camel}Reader } from './reader.ts';

/** An empty image with the signature, or with what is given in its place. */
function image(signature = SIGNATURE, size = HEADER_SIZE): MemoryFile {
  const bytes = new Uint8Array(size);
  bytes.set(Buffer.from(signature, 'latin1').subarray(0, size));
  return new MemoryFile(bytes);
}

describe('the ${kebab} reader', () => {
  test('recognises its signature and nothing else', () => {
    expect(${camel}Reader.probe(image().bytes)).toBe(true);
    expect(${camel}Reader.probe(image('????').bytes)).toBe(false);
    expect(${camel}Reader.probe(new Uint8Array(0))).toBe(false);
  });

  test('refuses a header that is cut short, and one without the signature', () => {
    expect(() => ${camel}Reader.open(image(SIGNATURE, HEADER_SIZE - 1))).toThrow('cut short');
    expect(() => ${camel}Reader.open(image('????'))).toThrow('signature');
  });

  test.todo('reads an image that another program wrote');
});
`;

const writer = ({ kebab, camel }: Names): string => `import { HyperError } from '@hypersdk/domain';
import type { ImageWriter } from '../image-writer.ts';

export const ${camel}Writer: ImageWriter = {
  format: '${kebab}',
  plan: () => {
    throw new HyperError('usage/invalid', 'Images in the format ${kebab} are not written.', { detail: { field: 'format' } });
  },
  encoder: () => undefined,
  layout: () => {
    throw new HyperError('internal/unexpected', 'There is no plan for an image in the format ${kebab}.');
  },
};
`;
