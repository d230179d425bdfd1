import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WritableVolumes } from '../file/writable-volumes.ts';
import { ChunkSealer } from './chunk-sealer.ts';
import { CHUNK_SIZE } from './payload.ts';

/** No multiple of a sector, and the second chunk lies across the border. */
const SPAN = CHUNK_SIZE + 4321;

describe('a chunk in two volumes', () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'sealer-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test('that was half written is sealed again with the same content, and with no other', () => {
    const paths = [join(folder, 'disk.001'), join(folder, 'disk.002')];
    const [key, content] = [randomBytes(32), randomBytes(2 * CHUNK_SIZE)];
    using volumes = WritableVolumes.open(paths, { span: SPAN, mode: 'create' });
    new ChunkSealer(volumes, { key, start: 0, writtenTo: 0 }).seal({ index: 0, isLast: false }, content);
    const whole = paths.map((path) => readFileSync(path));
    const torn = whole[1]?.subarray(0, 8 * 512) ?? Buffer.alloc(0);
    writeFileSync(join(folder, 'disk.002'), torn);

    const again = new ChunkSealer(volumes, { key, start: 0, writtenTo: volumes.size });
    const other = Buffer.from(content).fill(1, CHUNK_SIZE + 5000, CHUNK_SIZE + 6000);
    expect(() => again.seal({ index: 0, isLast: false }, other)).toThrow('one key must not encrypt both');
    again.seal({ index: 0, isLast: false }, content);
    expect(paths.map((path) => readFileSync(path))).toEqual(whole);
  });
});
