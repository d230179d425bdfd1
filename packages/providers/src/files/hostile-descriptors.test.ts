import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { imageInspector } from '@hypersdk/disk';
import type { ImageInspector } from '@hypersdk/ports';
import { calm } from '@hypersdk/testkit';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { filesProvider } from './files-provider.ts';

const SECTOR = new Uint8Array(512).fill(1);

/** Every path that the provider asks the inspector about. */
const asked: string[] = [];
const ask = (path: string): string => {
  asked.push(path);
  return path;
};
const inspector: ImageInspector = {
  probe: (path, o) => imageInspector.probe(ask(path), o),
  inspect: (image, o) => imageInspector.inspect({ ...image, path: ask(image.path) }, o),
  look: (image, o) => imageInspector.look({ ...image, path: ask(image.path) }, o),
  mark: (image, o) => imageInspector.mark({ ...image, path: ask(image.path) }, o),
  layerMarks: (image, o) => imageInspector.layerMarks({ ...image, path: ask(image.path) }, o),
  refer: (path, o) => imageInspector.refer(ask(path), o),
};
const provider = filesProvider(inspector);

let base = '';
const inside = (): string => join(base, 'vms');

beforeAll(async () => {
  base = await realpath(await mkdtemp(join(tmpdir(), 'hypersdk-hostile-')));
  for (const folder of ['vms', 'vms/sub', 'vms-beside', 'secret']) await mkdir(join(base, folder));
  for (const file of ['vms/a.raw', 'vms/sub/b.raw', 'vms/flat.vmdk', 'vms-beside/c.raw', 'secret/key.raw', 'secret/key.vmdk'])
    await writeFile(join(base, file), SECTOR);
  await symlink('../secret/key.raw', join(base, 'vms/link.raw'));
  await symlink('../secret', join(base, 'vms/links'));
  await symlink('../secret/key.vmdk', join(base, 'vms/link.vmdk'));
});

afterAll(() => rm(base, { recursive: true }));

const part = fc.constantFrom(
  '..',
  '.',
  '',
  'vms',
  'secret',
  'key.raw',
  'key.vmdk',
  'link.raw',
  'link.vmdk',
  'links',
  'a.raw',
  'sub',
  'b.raw',
  'vms-beside',
  'c.raw',
  'flat.vmdk',
  'x'.repeat(300),
  '%2e%2e',
  '\\..\\..',
  '&#0;',
  '$(id)',
  '`id`',
);
const start = fc.constantFrom(
  '',
  '/',
  '//',
  './',
  '../',
  '../secret/',
  'links/',
  'BASE/',
  'BASE/secret/',
  'BASE/vms/',
  'BASE/vms/../secret/',
  'file://BASE/secret/',
  'json:{"file":"',
  'nbd://127.0.0.1/',
  'C:\\',
  '\\\\host\\share\\',
  '[datastore1] ',
  '/proc/self/root/',
  '/dev/',
);
const hostileName = fc.oneof(
  fc.tuple(start, fc.array(part, { maxLength: 6 })).map(([begin, parts]) => begin + parts.join('/')),
  fc.string({ unit: 'binary', maxLength: 40 }),
);

const escape = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
const toXml = (names: readonly string[]): string =>
  `<domain><name>x</name><devices>${names.map((name, at) => `<disk><source file="${escape(name)}"/><target dev="d${at}"/></disk>`).join('')}</devices></domain>`;
const toVmx = (names: readonly string[]): string =>
  ['displayName = "x"', ...names.map((name, at) => `scsi0:${at}.fileName = "${name}.vmdk"`)].join('\n');

test('no descriptor makes the provider look at, or name, a file outside of its folder', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(hostileName, { minLength: 1, maxLength: 6 }), fc.boolean(), async (drawn, recursive) => {
      asked.length = 0;
      const names = drawn.map((name) => name.replace('BASE', base));
      await writeFile(join(inside(), 'x.xml'), toXml(names));
      await writeFile(join(inside(), 'sub/y.vmx'), toVmx(names));
      await using session = await provider.open(provider.parse({ path: inside(), recursive, references: 'beside' }), calm);
      const vms = await Array.fromAsync(session.facets.inventory.list(calm));
      const named = vms.flatMap((vm) => vm.disks.map(({ location }) => location));
      for (const path of [...asked, ...named]) expect((await realpath(path)).startsWith(`${inside()}/`), path).toBe(true);
      expect(vms.filter(({ id }) => id === 'x.xml').length).toBeLessThanOrEqual(1);
    }),
    { numRuns: 150 },
  );
});

test('any bytes for a descriptor are either read or left out', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ maxLength: 200 }),
      fc.constantFrom('', '<domain>', 'displayName = "x"\n', '<?xml version="1.0"?>'),
      async (bytes, begin) => {
        for (const name of ['x.xml', 'sub/y.vmx']) await writeFile(join(inside(), name), Buffer.concat([Buffer.from(begin), bytes]));
        const session = await provider.open(provider.parse({ path: inside(), recursive: true }), calm);
        const ids = await Array.fromAsync(session.facets.inventory.list(calm), ({ id }) => id);
        expect(ids).toContain('a.raw');
        expect(ids).toContain('sub/b.raw');
      },
    ),
    { numRuns: 50 },
  );
});
