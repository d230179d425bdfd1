import { blockSourceContract } from '@hypersdk/testkit';
import { describe } from 'vitest';
import { MemoryFile } from '../file/memory-file.ts';
import { ImageSource } from './image-source.ts';
import { rawReader } from './raw/index.ts';

const content = Uint8Array.from({ length: 70_000 }, (_, at) => (at < 9000 || at > 60_000 ? at % 253 : 0));

describe('a raw image as a block source', () => {
  blockSourceContract(content, async () => new ImageSource(rawReader.open(new MemoryFile(content))));
});
