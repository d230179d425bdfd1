import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KIB, type ImageRef } from '@hypersdk/domain';
import { blockSourceContract } from '@hypersdk/testkit';
import { afterAll, describe, expect, test } from 'vitest';
import { FileSlice } from '../file/file-slice.ts';
import { MemoryFile } from '../file/memory-file.ts';
import { imageMark } from '../inspect/image-mark.ts';
import { ImageSource } from './image-source.ts';
import { openImage } from './open-image.ts';

const folder = mkdtempSync(join(tmpdir(), 'hypersdk-slice-'));
afterAll(() => rmSync(folder, { recursive: true }));

const START = 512 * 3;
const content = Uint8Array.from({ length: 70_000 }, (_, at) => (at < 9000 || at > 60_000 ? at % 253 : 0));
const path = join(folder, 'whole');
writeFileSync(path, Buffer.concat([Buffer.alloc(START, 'before'), content, Buffer.alloc(5000, 'behind')]));
const image: ImageRef = { path, slice: { offset: START, length: content.length }, format: 'raw', references: 'refuse' };

describe('an image that is a part of a file', () => {
  blockSourceContract(content, async () => new ImageSource(openImage(image)));

  test('tells where its bytes lie in the whole file, whose descriptor it gives', () => {
    using opened = openImage(image);
    expect(opened.locate?.({ offset: 4 * KIB, length: 100 })).toEqual({ fd: opened.files[0]?.fd, fileOffset: START + 4 * KIB, length: 100 });
  });

  test('has another mark than its neighbour in the same file', () => {
    using opened = openImage(image);
    using neighbour = openImage({ ...image, slice: { offset: 0, length: START } });
    expect(imageMark(opened)).not.toBe(imageMark(neighbour));
  });

  test('that reaches past the end of the file has changed since it was found', () => {
    expect(() => openImage({ ...image, slice: { offset: START, length: 1_000_000 } })).toThrow(expect.objectContaining({ code: 'source/changed' }));
  });

  test.each([
    { offset: -1, length: 1 },
    { offset: 0, length: -1 },
    { offset: 0.5, length: 1 },
    { offset: Number.NaN, length: 1 },
  ])('cannot be %o', (slice) => {
    expect(() => openImage({ ...image, slice })).toThrow(expect.objectContaining({ code: 'usage/invalid' }));
  });
});

test('a read past the end of a slice never reaches what lies behind it', () => {
  const slice = new FileSlice(new MemoryFile(Buffer.from('before+inside+behind')), { offset: 7, length: 6 });
  const into = new Uint8Array(6);
  slice.read(0, into);
  expect(Buffer.from(into).toString()).toBe('inside');
  expect(() => slice.read(1, into)).toThrow(expect.objectContaining({ code: 'image/malformed' }));
});
