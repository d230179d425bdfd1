import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { lacking } from './lacking.mjs';

const here = { os: [process.platform], cpu: [process.arch] };
const wanted = {
  '': { version: '0.1.0' },
  'node_modules/tool': { version: '1.2.3', integrity: 'sha512-a' },
  'node_modules/tool-here': { version: '1.2.3', integrity: 'sha512-b', optional: true, ...here },
  'node_modules/tool-elsewhere': { version: '1.2.3', optional: true, os: ['plan9'], cpu: [process.arch] },
  'node_modules/maybe': { version: '1.0.0', optional: true },
};

let folder = '';

describe('what is lacking in an installation', () => {
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'hypersdk-lacking-'));
    writeFileSync(join(folder, 'package-lock.json'), JSON.stringify({ packages: wanted }));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  test('everything, as long as npm has not written its record', () => {
    mkdirSync(join(folder, 'node_modules/tool'), { recursive: true });
    expect(lacking(folder)).toEqual(['tool', 'tool-here']);
  });

  test('nothing, when all that is for this machine is there', () => {
    install(['tool', 'tool-here']);
    expect(lacking(folder)).toEqual([]);
  });

  test('an optional native package that npm left out without a word', () => {
    install(['tool']);
    expect(lacking(folder)).toEqual(['tool-here']);
  });

  test('a package of another version or of other content', () => {
    install(['tool', 'tool-here'], { 'node_modules/tool': { version: '1.2.2', integrity: 'sha512-a' } });
    expect(lacking(folder)).toEqual(['tool']);
    install(['tool', 'tool-here'], { 'node_modules/tool-here': { version: '1.2.3', integrity: 'sha512-c' } });
    expect(lacking(folder)).toEqual(['tool-here']);
  });

  test('a package that was recorded and is gone', () => {
    install(['tool', 'tool-here']);
    rmSync(join(folder, 'node_modules/tool'), { recursive: true });
    expect(lacking(folder)).toEqual(['tool']);
  });
});

function install(names: readonly string[], instead: Readonly<Record<string, unknown>> = {}): void {
  const record: Record<string, unknown> = {};
  for (const [path, entry] of Object.entries(wanted)) {
    if (!names.includes(path.replace('node_modules/', ''))) continue;
    record[path] = entry;
    mkdirSync(join(folder, path), { recursive: true });
    writeFileSync(join(folder, path, 'package.json'), '{}');
  }
  writeFileSync(join(folder, 'node_modules/.package-lock.json'), JSON.stringify({ packages: { ...record, ...instead } }));
}
