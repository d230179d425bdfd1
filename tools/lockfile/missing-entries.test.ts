import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { missingEntries } from './missing-entries.ts';

describe('missing lockfile entries', () => {
  test('an optional package without an entry gets one that names its machine', () => {
    const lockfile = {
      packages: {
        'node_modules/tool': {
          version: '1.0.0',
          dev: true,
          optionalDependencies: { '@tool/binding-linux-x64-musl': '1.0.0', '@tool/binding-darwin-arm64': '1.0.0' },
        },
        'node_modules/@tool/binding-darwin-arm64': { version: '1.0.0' },
      },
    };
    expect(missingEntries(lockfile)).toEqual({
      'node_modules/@tool/binding-linux-x64-musl': { version: '1.0.0', dev: true, optional: true, os: ['linux'], cpu: ['x64'], libc: ['musl'] },
    });
  });

  test('a nested package is looked for where Node would look for it', () => {
    const lockfile = {
      packages: {
        'node_modules/a/node_modules/tool': { version: '2.0.0', optionalDependencies: { 'tool-win32-x64': '2.0.0', 'tool-linux-x64': '2.0.0' } },
        'node_modules/a/node_modules/tool-linux-x64': { version: '2.0.0' },
      },
    };
    expect(Object.keys(missingEntries(lockfile))).toEqual(['node_modules/a/node_modules/tool-win32-x64']);
  });

  test('another version further up is not an answer', () => {
    const lockfile = {
      packages: {
        'node_modules/a/node_modules/tool': { version: '2.0.0', optionalDependencies: { 'tool-linux-x64': '2.0.0' } },
        'node_modules/tool-linux-x64': { version: '3.0.0' },
      },
    };
    expect(Object.keys(missingEntries(lockfile))).toEqual(['node_modules/a/node_modules/tool-linux-x64']);
  });

  test('the lockfiles of the repository are complete', () => {
    for (const path of ['../../package-lock.json', '../bootstrap-node/package-lock.json']) {
      expect(missingEntries(JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8')))).toEqual({});
    }
  });
});
