import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { configFile } from '../config.ts';
import { findProfile, readProfiles } from './read-profiles.ts';

const folder = await mkdtemp(join(tmpdir(), 'profiles-'));
afterAll(() => rm(folder, { recursive: true, force: true }));
const path = join(folder, 'config.yaml');
async function read(text: string): ReturnType<typeof readProfiles> {
  await writeFile(path, text);
  return readProfiles(path);
}

describe('the configuration file', () => {
  test('names values of flags', async () => {
    const profiles = await read(
      'default: a # at night\nprofiles:\n  a: {to: /b, parallel: 4, overwrite: yes, disk: [x, y]}\n  b:\n    verify: 10%\n',
    );
    expect(profiles.default).toBe('a');
    expect(findProfile(profiles, 'a')).toEqual({ to: '/b', parallel: 4, overwrite: 'yes', disk: ['x', 'y'] });
    expect(() => findProfile(profiles, 'c')).toThrow(
      expect.objectContaining({ code: 'profile/not-found', message: 'There is no profile c; there is a, b' }),
    );
  });

  test('need not be there, nor hold anything', async () => {
    for (const none of [await readProfiles(join(folder, 'nix')), await readProfiles(join(path, 'nix')), await read(''), await read('# nothing\n')])
      expect(none.named.size).toBe(0);
  });

  test.each([
    ['- a list', 'not a mapping'],
    ['profile: {a: {}}', 'no setting "profile"'],
    ['profiles: [a]', '"profiles" is not a mapping'],
    ['profiles: {a: [b]}', 'profile a is not a mapping'],
    ['profiles: {a: {to: {x: 1}}}', '"to" of profile a'],
    ['profiles: {a: {to: null}}', '"to" of profile a'],
    ['default: b\nprofiles: {a: {}}', '"default" does not name a profile'],
    ['profiles: {a: {to: 1}, a: {to: 2}}', 'at line 1, column'],
    ['profiles: {a: {to: !!js/function "x"}}', 'tag'],
    ['profiles: {', 'at line 1'],
    [`a: &a [${'x,'.repeat(50)}]\nb: &b [${'*a,'.repeat(50)}]\nc: [${'*b,'.repeat(50)}]`, 'aliases'],
    ['x'.repeat(1024 * 1024 + 1), 'more than'],
  ])('is refused as %.40s', async (text, why) => {
    await expect(read(text)).rejects.toMatchObject({ code: 'document/malformed', message: expect.stringContaining(why) });
  });

  test('lies where the XDG base directories say', () => {
    expect(configFile({ HYPEREXPORT_CONFIG: '/x/y.yaml', XDG_CONFIG_HOME: '/c' })).toBe('/x/y.yaml');
    expect(configFile({ XDG_CONFIG_HOME: '/c', HOME: '/h' })).toBe('/c/hyperexport/config.yaml');
    expect(configFile({ XDG_CONFIG_HOME: 'relative', HOME: '/h' })).toBe('/h/.config/hyperexport/config.yaml');
  });
});
