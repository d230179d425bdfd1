import { mkdir, readdir, rm } from 'node:fs/promises';
import { missing } from '@hypersdk/testkit';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { run } from './program.ts';
import { CTRL_C, linesOf, runInTerminal } from './pseudo-terminal.ts';
import { openWorkshop } from './workshop.ts';

const workshop = await openWorkshop();
afterAll(() => workshop[Symbol.asyncDispose]());
await mkdir(workshop.path('vms'));
for (const name of ['db', 'mail', 'web-01']) await workshop.disk(`vms/${name}.raw`, { sizeMib: 4, dataMib: [1] });
const vms = workshop.path('vms');
const to = workshop.path('backup');
const BUSY_TIMEOUT_MS = 120_000;
const ENTER = '\r';
const DOWN = '\u001B[B';
const SPACE = ' ';
const ESCAPE = '\u001B';

// ECMA-48 §8.3: cursor movements and erasures, between which a piece of a line is drawn.
const MOVEMENT = /\u001B\[[0-9;]*[A-HJK]/g;
/** What was drawn in one go; the command is as long as it is. */
const piecesOf = (shown: string): readonly string[] =>
  linesOf(shown.replaceAll(MOVEMENT, '\n')).filter((line) => !line.includes('hyperexport export '));

beforeEach(async () => {
  await rm(to, { recursive: true, force: true });
  await mkdir(to);
});

test('without a terminal there are no questions, but help', async () => {
  const ended = await run([], workshop);
  expect(ended).toMatchObject({ code: 0, stderr: '' });
  expect(ended.stdout).toMatch(/^Usage: hyperexport COMMAND/);
  expect((await run(['--plain'], workshop)).stdout).toBe(ended.stdout);
});

describe.skipIf(missing('python3'))('typed alone in a terminal', { timeout: BUSY_TIMEOUT_MS }, () => {
  test('asks for source, VMs, format and target, shows the command, and exports', async () => {
    const terminal = runInTerminal([], workshop);
    await terminal.until(/Folder of disk images/);
    terminal.type(vms + ENTER);
    await terminal.until(/There are 3 VMs/);
    terminal.type(DOWN + ENTER);
    await terminal.until(/Which\?/);
    terminal.type(SPACE + DOWN + DOWN + SPACE + ENTER);
    await terminal.until(/Which format/);
    terminal.type(DOWN + ENTER);
    await terminal.until(/Folder to export to/);
    terminal.type(to + ENTER);
    await terminal.until(/What now\?/);
    for (const line of piecesOf(terminal.shown())) expect([...line].length).toBeLessThanOrEqual(80);
    terminal.type(ENTER);
    expect(await terminal.ended).toBe(0);
    expect((await readdir(to)).toSorted()).toEqual(['db', 'web-01']);
    expect(await readdir(`${to}/db`)).toContain('disk-0.raw');
  });

  test.each([
    ['Ctrl-C', CTRL_C],
    ['Escape', ESCAPE],
  ])('%s leaves at any question, and nothing was done', async (_, key) => {
    const terminal = runInTerminal([], workshop);
    await terminal.until(/Folder of disk images/);
    terminal.type(vms + ENTER);
    await terminal.until(/There are 3 VMs/);
    terminal.type(key);
    expect(await terminal.ended).toBe(130);
    expect(terminal.shown()).toContain('nothing was done');
    expect(await readdir(to)).toEqual([]);
  });

  test('a source that is not there is told, and asked for again', async () => {
    const terminal = runInTerminal([], workshop);
    await terminal.until(/Folder of disk images/);
    terminal.type(workshop.path('nix') + ENTER);
    await terminal.until(/Check the path and its spelling/);
    terminal.type(CTRL_C);
    expect(await terminal.ended).toBe(130);
  });

  test('NO_COLOR takes the colour away', async () => {
    const terminal = runInTerminal([], { ...workshop, env: { NO_COLOR: '1' } });
    await terminal.until(/Folder of disk images/);
    terminal.type(CTRL_C);
    expect(await terminal.ended).toBe(130);
    // ECMA-48 §8.3.117: 30 to 37 and 90 to 97 are colours.
    expect(terminal.shown()).not.toMatch(/\u001B\[(?:3|9)[0-7]m/);
  });

  test.each([
    ['--plain', ['--plain'], { env: { NO_COLOR: '1' } }],
    ['a dumb terminal', [], { env: { TERM: 'dumb' } }],
    ['a terminal that does not know its width', [], { env: { NO_COLOR: '1' }, columns: 0 }],
  ])('%s asks in plain lines, by number', async (_, args, o) => {
    const terminal = runInTerminal(args, { ...workshop, ...o });
    await terminal.until(/Folder of disk images, one image, or a connection such as qemu:\/\/\/system \[\.\]: /);
    terminal.type(vms + ENTER);
    await terminal.until(/2\. Choose some/);
    terminal.type(`2${ENTER}`);
    await terminal.until(/or "all": /);
    terminal.type(`2${ENTER}`);
    await terminal.until(/1\. qcow2/);
    terminal.type(`1${ENTER}`);
    await terminal.until(/Folder to export to: /);
    terminal.type(to + ENTER);
    await terminal.until(/2\. Only show what would be done/);
    terminal.type(`2${ENTER}`);
    expect(await terminal.ended).toBe(0);
    const shown = terminal.shown();
    expect(shown).not.toContain('\u001B');
    expect(shown.replaceAll('\r\n', '\n')).toContain(`  hyperexport export --format qcow2 --to ${to} -- ${vms} mail.raw\n`);
    expect(shown).toContain('nothing is written');
    expect(await readdir(to)).toEqual([]);
  });
});
