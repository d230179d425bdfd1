import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { missing } from '@hypersdk/testkit';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { run } from './program.ts';
import { CTRL_C, runInTerminal } from './pseudo-terminal.ts';
import { runOnScreen } from './screen-model.ts';
import { openWorkshop } from './workshop.ts';

const workshop = await openWorkshop();
afterAll(() => workshop[Symbol.asyncDispose]());
await mkdir(workshop.path('vms'));
for (const name of ['db', 'mail', 'web-01']) await workshop.disk(`vms/${name}.raw`, { sizeMib: 4, dataMib: [1] });
for (const name of ['evil\u001B[2Jx', 'e\u202Ernp', '仮想マシン']) await workshop.disk(`vms/${name}.raw`, { sizeMib: 4, dataMib: [1] });
const vms = workshop.path('vms');
const to = workshop.path('backup');
const configuration = workshop.path('config.yaml');
const around = { ...workshop, env: { HYPEREXPORT_CONFIG: configuration } };
const BUSY_TIMEOUT_MS = 180_000;
const ENTER = '\r';
const ESCAPE = '\u001B';
const UP = '\u001B[A';
const DOWN = '\u001B[B';
const RIGHT = '\u001B[C';
const CTRL_S = '\u0013';
const CTRL_U = '\u0015';
// ECMA-48 §8.3.117: 30 to 49 and 90 to 107 are colours.
const COLOUR = /\u001B\[(?:\d+;)*(?:3[0-9]|4[0-9]|9[0-7]|10[0-7])(?:;\d+)*m/;

beforeEach(async () => {
  await rm(to, { recursive: true, force: true });
  await rm(configuration, { force: true });
  await mkdir(to);
});

describe.skipIf(missing('python3'))('browse in a terminal', { timeout: BUSY_TIMEOUT_MS }, () => {
  test.each([
    { columns: 80, rows: 24 },
    { columns: 120, rows: 40 },
  ])('at $columns columns and $rows rows leads from the list to proven exports', async (size) => {
    const screen = runOnScreen(['browse', vms], { ...around, ...size });
    await screen.sees(/> \[ \] db .*4 MiB .*raw/);
    expect(screen.isAlternate()).toBe(true);
    screen.type('d');
    await screen.sees(/db\.raw: 4 MiB raw[\s\S]*disk: empty/);
    screen.type('d?');
    await screen.sees(/Any key goes back/);
    screen.type('x/w');
    await screen.sees(/Filter: w +1 of 6/);
    screen.type(ENTER);
    await screen.sees(/filter "w"/);
    screen.type(ESCAPE);
    await screen.sees(/\[ \] db /);
    screen.type('sr');
    await screen.sees(/STATE[▼]/);
    screen.type('Srm(');
    await screen.sees(/not a regular expression/);
    screen.type(`${CTRL_U}^db|^mail`);
    await screen.sees(/2 match/);
    screen.type(ENTER);
    await screen.sees(/2 chosen, 8 MiB/);
    screen.type(`i`);
    await screen.sees(/4 chosen/);
    screen.type('iaa ');
    await screen.sees(/1 chosen/);
    screen.type(`cm^db${ENTER}${ENTER}`);
    await screen.sees(/Export of db[\s\S]*--to is missing/);
    screen.type(to);
    await screen.sees(/These choices fit/);
    screen.type(DOWN + RIGHT + RIGHT + DOWN + RIGHT);
    await screen.sees(/< streamOptimized >/);
    screen.type(UP + RIGHT + RIGHT + RIGHT + RIGHT + RIGHT + RIGHT);
    await screen.sees(/< \(qcow2\) >/);
    screen.type(`${DOWN}${DOWN}${DOWN}9`);
    await screen.sees(/! .*--compression/);
    screen.type(UP + RIGHT + RIGHT + RIGHT);
    await screen.sees(/These choices fit/);
    screen.type(`${CTRL_S}nightly${ENTER}`);
    await screen.sees(/Saved as profile nightly/);
    expect(await readFile(configuration, 'utf8')).toContain('compression: zstd:9');
    await screen.sees(/hyperexport export --compression=zstd:9[\s\\]+--to=/);
    screen.type(ENTER);
    await screen.sees(/db .* copy .*ready[\s\S]*at most, .* free there/);
    screen.type(ENTER);
    await screen.sees(/> db +done[\s\S]*receipt .*db\/disk-0\.qcow2\.receipt/);
    screen.type('q');
    expect(await screen.ended).toBe(0);
    expect(screen.isAlternate()).toBe(false);
    await screen.sees(/db: exported and proven/);
    expect((await run(['verify', `${to}/db`, '--quiet'], workshop)).code).toBe(0);
    expect(await readdir(to)).toEqual(['db']);
  });

  test('a window of another size is drawn anew on every screen, and a small one is told in plain lines', async () => {
    const screen = runOnScreen(['browse', vms, '--to', to], around);
    const resizeAll = async (pattern: RegExp): Promise<void> => {
      await screen.sees(pattern);
      screen.resize(100, 30);
      await screen.sees(pattern);
      await expect.poll(async () => (await screen.rows()).at(-1), { timeout: 30_000 }).toMatch(/^(?:Enter|Space) /);
      screen.resize(60, 20);
      await screen.sees(/The window has 60x20, the full screen needs 80x24/);
      screen.resize(80, 24);
      await screen.sees(pattern);
      await expect.poll(async () => (await screen.rows()).at(-1), { timeout: 30_000 }).toMatch(/^(?:Enter|Space) /);
    };
    await resizeAll(/> \[ \] db /);
    screen.type('d');
    await resizeAll(/disk: empty/);
    screen.type('d?');
    await resizeAll(/Any key goes back/);
    screen.type(`x${ENTER}`);
    await resizeAll(/These choices fit/);
    screen.type(ENTER);
    await resizeAll(/ready[\s\S]*free there/);
    screen.type(ENTER);
    await resizeAll(/> db +done/);
    screen.type('q');
    expect(await screen.ended).toBe(0);
  });

  test('hostile names steer nothing, and rows are never wider than the window', async () => {
    const screen = runOnScreen(['browse', vms], around);
    await screen.sees(/evil \[2Jx/);
    const rows = await screen.rows();
    for (const row of rows.filter((text) => text.includes('raw'))) expect(row).toMatch(/unknown +1 +4 MiB +1 MiB raw/);
    const columns = rows.filter((text) => /evil|db /.test(text)).map((text) => text.indexOf('unknown'));
    expect(new Set(columns).size).toBe(1);
    expect(rows[0]).toContain('hyperexport');
    expect(screen.shown()).not.toContain('\u202E');
    screen.type(CTRL_C);
    expect(await screen.ended).toBe(130);
    expect(screen.isAlternate()).toBe(false);
  });

  test('NO_COLOR takes every colour away, and what was red still says what it is', async () => {
    const visit = async (env: Readonly<Record<string, string>>): Promise<string> => {
      const screen = runOnScreen(['browse', vms], { ...workshop, env: { ...around.env, ...env } });
      await screen.sees(/> \[ \] db /);
      screen.type(ENTER);
      await screen.sees(/! --to is missing/);
      screen.type(CTRL_C);
      expect(await screen.ended).toBe(130);
      return screen.shown();
    };
    expect(await visit({ NO_COLOR: '1' })).not.toMatch(COLOUR);
    expect(await visit({})).toMatch(COLOUR);
  });

  test('a thousand VMs are scrolled through without waiting', async () => {
    await mkdir(workshop.path('many'), { recursive: true });
    for (let at = 0; at < 1000; at += 1) await workshop.disk(`many/vm-${at}.raw`, { sizeMib: 1, dataMib: [] });
    const screen = runOnScreen(['browse', workshop.path('many')], around);
    await screen.sees(/1000 VMs/);
    const begun = performance.now();
    screen.type('\u001B[6~'.repeat(30) + DOWN.repeat(100));
    await screen.sees(/> \[ \] vm-610/);
    expect(performance.now() - begun).toBeLessThan(5_000);
    screen.type('\u001B[F');
    await screen.sees(/> \[ \] vm-999 /);
    screen.type('q');
    expect(await screen.ended).toBe(0);
  });

  test.each([
    { name: '--plain', flags: ['--plain'], env: { NO_COLOR: '1' }, columns: 80 },
    { name: 'HYPEREXPORT_PLAIN', flags: [], env: { HYPEREXPORT_PLAIN: 'yes' }, columns: 80 },
    { name: 'a dumb terminal', flags: [], env: { TERM: 'dumb' }, columns: 80 },
    { name: 'a narrow window', flags: [], env: {}, columns: 60 },
  ])('$name asks in plain lines instead', async ({ flags, env, columns }) => {
    const terminal = runInTerminal(['browse', vms, ...flags], { ...workshop, env: { ...around.env, ...env }, columns });
    await terminal.until(/There are 6 VMs\./);
    expect(terminal.shown().includes('the window has 60x24, the full screen needs 80x24')).toBe(columns === 60);
    expect(terminal.shown()).not.toContain('\u001B');
    terminal.type(CTRL_C);
    expect(await terminal.ended).toBe(130);
  });

  test('the questions offer it, and it opens where they were', async () => {
    const screen = runOnScreen([], around);
    await screen.sees(/Folder of disk images/);
    screen.type(vms + ENTER);
    await screen.sees(/Look through them in full screen/);
    screen.type(DOWN + DOWN + ENTER);
    await screen.sees(/> \[ \] db /);
    expect(screen.isAlternate()).toBe(true);
    screen.type('q');
    expect(await screen.ended).toBe(0);
  });
});

test('without a terminal it says what needs none', async () => {
  const ended = await run(['browse', vms], workshop);
  expect(ended).toMatchObject({ code: 64, stdout: '' });
  expect(ended.stderr).toContain('There is no terminal to ask in');
});
