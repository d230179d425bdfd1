import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { readBatch } from './read-batch.ts';

const folder = await mkdtemp(join(tmpdir(), 'batch-'));
afterAll(() => rm(folder, { recursive: true, force: true }));
const path = join(folder, 'night.yaml');
async function read(text: string): ReturnType<typeof readBatch> {
  await writeFile(path, text);
  return readBatch(path);
}

describe('a batch file', () => {
  test('is understood as its description has it', async () => {
    const description = await readFile(new URL('../../../../docs/formats/batch-manifest.md', import.meta.url), 'utf8');
    const { orders, ...about } = await read(/```yaml\n([^`]+)```/.exec(description)?.[1] ?? '');
    expect(about).toEqual({ path, onError: 'continue', parallel: 4, limitRate: '08:00-18:00=50M,*=500M' });
    expect(orders.map((order) => [order.path, order.names, order.flags])).toMatchObject([
      ['/var/lib/libvirt/images', [], { match: '^web-.*$', to: '/backup', format: 'qcow2', compression: { compression: 'zstd' }, verify: 100 }],
      ['/var/lib/libvirt/images', ['db-01', 'db-02'], { verify: 10, checksums: 'sha256' }],
      [join(folder, 'images/old.vmdk'), [], { format: 'raw', name: 'old', compression: { compression: 'none' } }],
    ]);
  });

  test('may be JSON, and names that look like flags are names', async () => {
    const { orders } = await read(JSON.stringify({ version: 1, items: [{ source: '/vms', vm: { name: '--to' }, target: '/b' }] }));
    expect(orders[0]).toMatchObject({ names: ['--to'], flags: { to: '/b' } });
  });

  test('may ask for packages, and for a proof that the copies boot', async () => {
    const { orders } = await read('version: 1\nitems: [{source: a, target: b, format: ova, settings: {boot-proof: true}}]');
    expect(orders[0]?.flags).toMatchObject({ format: 'ova', bootProof: true });
  });

  test.each([
    ['version: 1\nitems: [{source: a, target: b, settings: {compression: "zlib:10"}}]', 'usage/invalid', 'items[0]: --compression "zlib:10"'],
    ['version: 1\nitems: [{source: a, target: b, settings: {verify: 0%}}]', 'usage/invalid', 'items[0]: --verify "0%"'],
    ['version: 1\nitems:\n  - source: a\n   target: b', 'batch/malformed', 'line'],
    ['version: 1\nversion: 1\nitems: []', 'batch/malformed', 'line'],
    ['a: &a [x]\nb: [*a, *c]', 'batch/malformed', 'c'],
    ['', 'batch/malformed', 'The batch is missing'],
    ['version: 1\nitems:\n  - source: a\n    target: b\n    format: zip', 'batch/malformed', 'night.yaml, line 5: items[0].format has to be'],
    [
      'version: 1\nitems:\n  - {source: a,\n     target: b, formt: raw}',
      'batch/malformed',
      'line 4: items[0].formt is not known there; provider, source',
    ],
    ['version: 1\nitems: [{target: b}]', 'batch/malformed', 'line 2: items[0].source is missing'],
  ])('that is %j is refused', async (text, code, why) => {
    await expect(read(text)).rejects.toMatchObject({ code, message: expect.stringContaining(why) });
  });
});
