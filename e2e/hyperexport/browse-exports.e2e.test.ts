import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { missing } from '@hypersdk/testkit';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { documentOf, LAUNCHER, run, type Surroundings } from './program.ts';
import { CTRL_C } from './pseudo-terminal.ts';
import { runOnScreen, type ScreenModel } from './screen-model.ts';
import { openWorkshop, range } from './workshop.ts';

const workshop = await openWorkshop();
afterAll(() => workshop[Symbol.asyncDispose]());
await mkdir(workshop.path('vms'));
for (const name of ['db', 'mail']) await workshop.disk(`vms/${name}.raw`, { sizeMib: 96, dataMib: range(0, 32) });
const vms = workshop.path('vms');
const to = workshop.path('backup');
const BUSY_TIMEOUT_MS = 180_000;
const ENTER = '\r';
const DOWN = '\u001B[B';
const CTRL_Z = '\u001A';
/** What an interactive bash says without a configuration. */
const PROMPT = /^bash-\S+[#$] ?$/m;
/** Copied slowly enough to be stopped on the way, and fast enough to wait for. */
const slow = { ...workshop, env: { HYPEREXPORT_LIMIT_RATE: '8M' } };
const COPYING = /> db +copying .* [1-9]\d?% /;

beforeEach(async () => {
  await rm(to, { recursive: true, force: true });
  await rm(workshop.state, { recursive: true, force: true });
  await mkdir(to);
});

/** As far as exports that have begun to copy. */
async function begin(keys: string, o: Surroundings & { readonly from?: string } = slow): Promise<ScreenModel> {
  const screen = runOnScreen(['browse', o.from ?? vms, '--to', to], o);
  await screen.sees(/> \[ \] db /);
  screen.type(keys + ENTER);
  await screen.sees(/These choices fit/);
  screen.type(ENTER);
  await screen.sees(/db .*ready/);
  screen.type(ENTER);
  await screen.sees(COPYING);
  return screen;
}

/** Bytes in files of copies that have not ended. */
async function bytesOfPartials(): Promise<number> {
  const names = await readdir(to, { recursive: true });
  const sizes = await Promise.all(names.filter((name) => name.includes('.partial.')).map(async (name) => (await stat(`${to}/${name}`)).blocks));
  return sizes.reduce((sum, blocks) => sum + blocks, 0);
}

const proven = async (name: string): Promise<void> => {
  expect((await run(['verify', `${to}/${name}`, '--quiet'], workshop)).code).toBe(0);
  expect((await run(['compare', `${vms}/${name}.raw`, `${to}/${name}/disk-0.qcow2`], workshop)).code).toBe(0);
};

describe.skipIf(missing('python3'))('exports in full screen', { timeout: BUSY_TIMEOUT_MS }, () => {
  test('a pause reads nothing more and lets the other go on; going on ends in a proven copy', async () => {
    const screen = await begin('a');
    screen.type(' ');
    await screen.sees(/> db +paused[\s\S]*hyperexport resume \w+/);
    screen.type(`${DOWN} `);
    await screen.sees(/> mail +paused/);
    const before = await bytesOfPartials();
    expect(before).toBeGreaterThan(0);
    await new Promise((done) => setTimeout(done, 1_000));
    expect(await bytesOfPartials()).toBe(before);
    expect(documentOf(await run(['history', '--json'], workshop))).toMatchObject({ runs: [{ state: 'cancelled' }, { state: 'cancelled' }] });
    screen.type('R');
    await screen.sees(/db +done[\s\S]*mail +done/);
    screen.type('q');
    expect(await screen.ended).toBe(0);
    await screen.sees(/mail: exported and proven/);
    for (const name of ['db', 'mail']) await proven(name);
  });

  test('a cancel ends one and not the other, and leaving says what goes on with it', async () => {
    const screen = await begin('a');
    screen.type('c');
    await screen.sees(/Cancel db\?/);
    screen.type('y');
    await screen.sees(/> db +cancelled/);
    await screen.sees(/mail +copying/);
    screen.type('q');
    await screen.sees(/Exports go on\. Stop them/);
    screen.type('y');
    expect(await screen.ended).toBe(130);
    expect(screen.isAlternate()).toBe(false);
    const text = await screen.sees(/db: stopped.*[\s\S]*mail: stopped/);
    for (const name of ['db', 'mail']) {
      const id = new RegExp(`${name}: stopped; what was copied is kept\\. To go on: hyperexport resume (\\w+)`).exec(text)?.[1];
      expect((await run(['resume', id ?? '', '--quiet'], workshop)).code).toBe(0);
      await proven(name);
    }
  });

  test('what a kill left is offered, goes on where it was, and is proven', async () => {
    // The last 64 MiB before a stop are read again, so it takes more than that to be spared anything.
    await mkdir(workshop.path('large'), { recursive: true });
    const disk = await workshop.disk('large/db.raw', { sizeMib: 256, dataMib: range(0, 192) });
    const screen = await begin('', { ...workshop, from: workshop.path('large'), env: { HYPEREXPORT_LIMIT_RATE: '24M' } });
    await screen.sees(/> db +copying .* 4\d% /);
    screen.signal('SIGKILL');
    expect(await screen.ended).toBe(137);
    const again = runOnScreen(['browse', vms, '--to', to], workshop);
    await again.sees(/These exports did not end[\s\S]*\[x\] \w+ .*killed/);
    again.resize(100, 30);
    await again.sees(/\[x\] \w+ .*killed/);
    again.type(ENTER);
    await again.sees(/done[\s\S]*receipt /);
    again.type('q');
    expect(await again.ended).toBe(0);
    await again.sees(/went on at/);
    expect((await run(['compare', disk, `${to}/db/disk-0.qcow2`], workshop)).code).toBe(0);
    const third = runOnScreen(['browse', vms, '--to', to], workshop);
    await third.sees(/> \[ \] db /);
    third.type('q');
    expect(await third.ended).toBe(0);
  });

  test.each([
    ['Ctrl-C', (screen: ScreenModel) => screen.type(CTRL_C)],
    ['SIGINT', (screen: ScreenModel) => screen.signal('SIGINT')],
    ['SIGTERM', (screen: ScreenModel) => screen.signal('SIGTERM')],
    ['SIGHUP', (screen: ScreenModel) => screen.signal('SIGHUP')],
  ])('%s stops at a checkpoint, gives the terminal back and says how to go on', async (_, stop) => {
    const screen = await begin('');
    stop(screen);
    expect(await screen.ended).toBe(130);
    expect(screen.isAlternate()).toBe(false);
    expect(screen.shown().lastIndexOf('\u001B[?25h')).toBeGreaterThan(screen.shown().lastIndexOf('\u001B[?25l'));
    await screen.sees(/db: stopped; what was copied is kept\. To go on: hyperexport resume \w+/);
  });

  test('a second Ctrl-C ends at once, and the terminal is given back all the same', async () => {
    const screen = await begin('a');
    screen.type(CTRL_C + CTRL_C);
    expect(await screen.ended).toBe(130);
    expect(screen.isAlternate()).toBe(false);
    expect(screen.shown().lastIndexOf('\u001B[?25h')).toBeGreaterThan(screen.shown().lastIndexOf('\u001B[?25l'));
  });

  test.skipIf(missing('bash'))('Ctrl-Z gives the shell its page, fg draws the screen anew, and the export ends well', async () => {
    const screen = runOnScreen(['--norc', '-i'], { ...slow, program: ['bash'] });
    await screen.sees(PROMPT);
    screen.type(`'${process.execPath}' '${LAUNCHER}' browse '${vms}' --to '${to}'\n`);
    await screen.sees(/> \[ \] db /);
    screen.type(ENTER);
    await screen.sees(/These choices fit/);
    screen.type(ENTER);
    await screen.sees(/db .*ready/);
    screen.type(ENTER);
    await screen.sees(COPYING);
    screen.type(CTRL_Z);
    await screen.sees(new RegExp(`Stopped[^]*${PROMPT.source}`, 'm'));
    expect(screen.isAlternate()).toBe(false);
    screen.type('echo awake$((1+1))\n');
    await screen.sees(/^awake2/m);
    screen.type('fg\n');
    await screen.sees(/> db +/);
    expect(screen.isAlternate()).toBe(true);
    await screen.sees(/> db +done/);
    screen.type('q');
    await screen.sees(new RegExp(`db: exported and proven[^]*${PROMPT.source}`, 'm'));
    screen.type('exit\n');
    await screen.ended;
  });

  test('a target that holds another export says so with what mends it, and the rest can start', async () => {
    const first = await run(['export', vms, 'db.raw', '--to', to, '--quiet'], workshop);
    expect(first.code).toBe(0);
    const screen = runOnScreen(['browse', vms, '--to', to], workshop);
    await screen.sees(/> \[ \] db /);
    screen.type(`a${ENTER}`);
    await screen.sees(/These choices fit/);
    screen.type(ENTER);
    await screen.sees(/> db .*cannot[\s\S]*! error: db: .*[\s\S]*allow\s+replacing it/);
    screen.type(ENTER);
    await screen.sees(/> mail +done/);
    expect((await screen.rows()).join('\n')).not.toContain('db ');
    screen.type('q');
    expect(await screen.ended).toBe(0);
  });
});
