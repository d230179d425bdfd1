import { execFileSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { afterAll, describe, expect, test } from 'vitest';
import { CACHE, LAUNCHER } from './program.ts';
import { openWorkshop } from './workshop.ts';

const workshop = await openWorkshop();
afterAll(() => workshop[Symbol.asyncDispose]());

// Writes at the end which files were loaded, one a line.
const watcher = workshop.path('watcher.mjs');
await writeFile(
  watcher,
  `import { registerHooks } from 'node:module';
import { writeFileSync } from 'node:fs';
const loaded = [];
registerHooks({ load(url, context, next) { loaded.push(url); return next(url, context); } });
process.on('exit', () => writeFileSync(process.env.LOADED, loaded.join('\\n')));
`,
);

async function loadedBy(args: readonly string[]): Promise<string> {
  const told = workshop.path('loaded');
  execFileSync(process.execPath, ['--import', watcher, LAUNCHER, ...args], {
    env: { HOME: workshop.state, HYPERSDK_STATE: workshop.state, XDG_CACHE_HOME: CACHE, LOADED: told },
    stdio: 'ignore',
  });
  return readFile(told, 'utf8');
}

/** Each costs more than the whole of the help. */
const HEAVY = [
  '/zod/',
  '/yaml/',
  '/@clack/',
  '/ink/',
  '/react/',
  '/koffi/',
  'packages/usecases/',
  'packages/disk/',
  'packages/providers/',
  'packages/adapters/',
];

describe('what a command does not use is not loaded', () => {
  const light = [
    ['--version'],
    ['--help'],
    [],
    ['export', '--help'],
    ['batch', '--help'],
    ['browse', '--help'],
    ['history', '--help'],
    ['completion', 'bash'],
    ['man'],
    ['profile', 'list'],
  ];
  test.each(light.map((args) => ({ args })))('for $args nothing heavy is', async ({ args }) => {
    const loaded = await loadedBy(args);
    expect(HEAVY.filter((part) => loaded.includes(part))).toEqual([]);
  });

  test('for an export without a profile neither the YAML reader nor the questions nor the full screen are', async () => {
    await workshop.disk('db.raw', { sizeMib: 4, dataMib: [1] });
    const loaded = await loadedBy(['export', workshop.path('db.raw'), '--to', workshop.folder, '--dry-run']);
    expect(['/yaml/', '/@clack/', '/ink/', '/react/'].filter((part) => loaded.includes(part))).toEqual([]);
    expect(loaded).toContain('packages/usecases/');
    expect(await loadedBy(['list', workshop.folder])).not.toMatch(/\/(?:ink|react)\//);
  });
});
