import { mkdtemp, readFile, rm, stat, symlink, writeFile, lstat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { readProfiles } from './read-profiles.ts';
import { saveProfile } from './save-profile.ts';

const folder = await mkdtemp(join(tmpdir(), 'save-profile-'));
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('saving a profile', () => {
  test('makes the file for its owner alone, and it is read back as it was', async () => {
    const path = join(folder, 'new/config.yaml');
    await saveProfile(path, 'nightly', { to: '/backup', overwrite: true });
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect((await readProfiles(path)).named.get('nightly')).toEqual({ to: '/backup', overwrite: true });
  });

  test('keeps everything else in the file, comments included', async () => {
    const path = join(folder, 'kept.yaml');
    await writeFile(path, '# mine\ndefault: nightly\nprofiles:\n  nightly: # at two\n    to: /a\n');
    await saveProfile(path, 'weekly', { to: '/b' });
    await saveProfile(path, 'weekly', { to: '/c' });
    const text = await readFile(path, 'utf8');
    expect(text).toContain('# mine');
    expect(text).toContain('# at two');
    const { default: chosen, named } = await readProfiles(path);
    expect(chosen).toBe('nightly');
    expect([...named]).toEqual([
      ['nightly', { to: '/a' }],
      ['weekly', { to: '/c' }],
    ]);
  });

  test('writes to where a link leads, and the link stays', async () => {
    await writeFile(join(folder, 'real.yaml'), '');
    const link = join(folder, 'link.yaml');
    await symlink('real.yaml', link);
    await saveProfile(link, 'a', { to: '/b' });
    expect((await lstat(link)).isSymbolicLink()).toBe(true);
    expect((await readProfiles(join(folder, 'real.yaml'))).named.size).toBe(1);
  });

  test('refuses a file that is no configuration, and names that are none', async () => {
    const path = join(folder, 'bad.yaml');
    await writeFile(path, 'profiles: [');
    await expect(saveProfile(path, 'a', {})).rejects.toMatchObject({ code: 'document/malformed' });
    expect(await readFile(path, 'utf8')).toBe('profiles: [');
    await expect(saveProfile(join(folder, 'x.yaml'), 'a\nb', {})).rejects.toMatchObject({ code: 'usage/invalid' });
  });
});
