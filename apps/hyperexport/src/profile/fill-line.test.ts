import { describe, expect, test } from 'vitest';
import { exportCommand } from '../commands/export.ts';
import { fillLine, takeProfile } from './fill-line.ts';

const flags = exportCommand.parameters.flags ?? {};
const profile = { name: 'nightly', settings: { to: '/backup', compression: 'zstd:3', 'limit-rate': '50M', overwrite: true, disk: ['a', 'b'] } };
const fill = (line: readonly string[], env: Readonly<Record<string, string>> = {}) => fillLine(['export', ...line], { flags, env, profile });

describe('a line that is filled up', () => {
  test('takes from the profile what was not typed', () => {
    const { line, origins } = fill(['/vms', 'web-01']);
    expect(line).toEqual([
      'export',
      '--to=/backup',
      '--disk=a',
      '--disk=b',
      '--compression=zstd:3',
      '--limit-rate=50M',
      '--overwrite',
      '/vms',
      'web-01',
    ]);
    expect(origins.get('--to')).toBe('profile nightly');
  });

  test('puts the line before the environment, and that before the profile', () => {
    const env = { HYPEREXPORT_TO: '/env', HYPEREXPORT_LIMIT_RATE: '9M', HYPEREXPORT_OVERWRITE: 'no' };
    const { line, origins } = fill(['/vms', '--to', '/typed', '--disk=c'], env);
    expect(line).toEqual(['export', '--compression=zstd:3', '--limit-rate=9M', '/vms', '--to', '/typed', '--disk=c']);
    expect(origins.get('--limit-rate')).toBe('HYPEREXPORT_LIMIT_RATE');
  });

  test('knows a flag in both spellings, and takes nothing behind the end of flags for one', () => {
    expect(fill(['/vms', '--limitRate', '1M']).line).not.toContain('--limit-rate=50M');
    expect(fill(['--', '--to']).line).toContain('--to=/backup');
  });

  test('never takes what is about one run only, and an empty variable for none', () => {
    const env = { HYPEREXPORT_DRY_RUN: '1', HYPEREXPORT_JSON: '1', HYPEREXPORT_PROFILE: 'x', HYPEREXPORT_TO: '' };
    expect(fillLine(['export', '/vms'], { flags, env }).line).toEqual(['export', '/vms']);
  });

  test('refuses a switch that is neither on nor off', () => {
    expect(() => fill(['/vms'], { HYPEREXPORT_OVERWRITE: 'maybe' })).toThrow('HYPEREXPORT_OVERWRITE says "maybe" for --overwrite');
  });
});

describe('the profile', () => {
  test('is taken out of the line', () => {
    expect(takeProfile(['export', '/vms', '--profile', 'a', 'web'])).toEqual({ name: 'a', line: ['export', '/vms', 'web'] });
    expect(takeProfile(['export', '--profile=a', '/vms'])).toEqual({ name: 'a', line: ['export', '/vms'] });
    expect(takeProfile(['export', '--', '--profile', 'a'])).toEqual({ line: ['export', '--', '--profile', 'a'] });
  });

  test.each([[['export', '--profile']], [['export', '--profile=']], [['export', '--profile', '--to']]])('must have a name: %j', (line) => {
    expect(() => takeProfile(line)).toThrow('missing its name');
  });
});
