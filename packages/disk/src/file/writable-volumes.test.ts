import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WritableVolumes } from './writable-volumes.ts';

const SPAN = 1000;

describe('volumes that are written', () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'volumes-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));
  const open = (name: string, mode: 'create' | 'continue' | 'join'): WritableVolumes =>
    WritableVolumes.open(
      [1, 2, 3, 4].map((number) => join(folder, `${name}.00${number}`)),
      { span: SPAN, mode },
    );

  test('end where the last of them ends, whatever is missing before it', () => {
    using volumes = open('gaps', 'create');
    using mover = open('gaps', 'join');
    volumes.write(0, new Uint8Array(10));
    expect(volumes.size).toBe(10);
    mover.write(2 * SPAN + 5, new Uint8Array(20));
    expect(volumes.size).toBe(2 * SPAN + 25);
  });

  test('are synced as far as they are there, and none is made by that', async () => {
    using volumes = open('synced', 'create');
    volumes.write(SPAN, new Uint8Array(10));
    await volumes.sync({ offset: 0, length: 9 * SPAN });
    expect(readdirSync(folder).filter((name) => name.startsWith('synced'))).toEqual(['synced.001', 'synced.002']);
  });
});
