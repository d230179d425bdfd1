import { missing } from '@hypersdk/testkit';
import { afterAll, describe, expect, test } from 'vitest';
import { documentOf, run } from './program.ts';
import { CTRL_C, linesOf, runInTerminal } from './pseudo-terminal.ts';
import { openWorkshop, range } from './workshop.ts';

const workshop = await openWorkshop();
afterAll(() => workshop[Symbol.asyncDispose]());
const disk = await workshop.disk('disk.raw', { sizeMib: 128, dataMib: range(0, 24) });
/** Two seconds and more of copying, whatever the machine. */
const slowly = (target: string): readonly string[] => ['convert', disk, workshop.path(target), '--limit-rate', '12M'];
// Copies at a set pace: on a busy machine the usual limit is too tight.
const BUSY_TIMEOUT_MS = 120_000;
const SHOW_CURSOR = '\u001B[?25h';
const HIDE_CURSOR = '\u001B[?25l';

describe.skipIf(missing('python3'))('in a terminal of 80 columns', { timeout: BUSY_TIMEOUT_MS }, () => {
  test('progress is drawn in place, never wider than the window, and the cursor comes back', async () => {
    const terminal = runInTerminal(slowly('drawn.qcow2'), workshop);
    await terminal.until(/MiB\/s/);
    expect(await terminal.ended).toBe(0);
    const shown = terminal.shown();
    expect(shown).toContain('█');
    const progress = linesOf(shown).filter((line) => line.startsWith('drawn.qcow2 '));
    for (const line of progress) expect([...line].length).toBeLessThan(80);
    expect(shown.indexOf(HIDE_CURSOR)).toBeGreaterThanOrEqual(0);
    expect(shown.lastIndexOf(SHOW_CURSOR)).toBeGreaterThan(shown.lastIndexOf(HIDE_CURSOR));
    expect(shown).toContain('converted and proven');
  });

  test('the time left is promised only after a while, and then about right', async () => {
    const terminal = runInTerminal(slowly('promised.qcow2'), workshop);
    expect(await terminal.ended).toBe(0);
    const lines = linesOf(terminal.shown()).filter((line) => line.includes(' copying '));
    expect(lines[0]).toContain('…');
    // 24 MiB at 12 MiB a second take two seconds; a machine busy with other tests may need more, but no promise is wild.
    const seconds = lines.flatMap(
      (line) =>
        /(\d+):(\d\d) left/
          .exec(line)
          ?.slice(1, 3)
          .map(Number)
          .reduce((minutes, rest) => minutes * 60 + rest) ?? [],
    );
    for (const left of seconds) expect(left).toBeLessThanOrEqual(60);
  });

  test('a narrower window is noticed', async () => {
    const terminal = runInTerminal(slowly('narrow.qcow2'), workshop);
    await terminal.until(/copying/);
    const before = terminal.shown().length;
    terminal.resize(40, 10);
    await terminal.until(/narrow\.qcow2 \d+% /);
    for (const line of linesOf(terminal.shown().slice(before)).slice(2, -20)) expect([...line].length).toBeLessThan(80);
    expect(await terminal.ended).toBe(0);
  });

  test('Ctrl-C stops at a checkpoint, says how to go on, and going on works', async () => {
    const terminal = runInTerminal(slowly('stopped.qcow2'), workshop);
    await terminal.until(/ [1-9]\d?% /);
    terminal.type(CTRL_C);
    expect(await terminal.ended).toBe(130);
    const shown = terminal.shown();
    const id = /hyperexport: Stopped as asked\. The copy is kept and goes on where it stopped: hyperexport resume (\w+)/.exec(
      linesOf(shown).join('\n'),
    )?.[1];
    expect(id).toMatch(/^[0-9A-Z]{6}$/);
    expect(documentOf(await run(['history', '--json', '--limit', '1'], workshop))).toMatchObject({ runs: [{ state: 'cancelled' }] });

    const resumed = await run(['resume', id ?? '', '--json', '--quiet'], workshop);
    expect(resumed).toMatchObject({ code: 0, stderr: '' });
    expect((await run(['compare', disk, workshop.path('stopped.qcow2')], workshop)).code).toBe(0);
    expect(documentOf(await run(['history', '--json', '--limit', '1'], workshop))).toMatchObject({ runs: [{ state: 'succeeded' }] });
  });

  test('a second Ctrl-C ends at once, with the cursor given back', async () => {
    const terminal = runInTerminal(slowly('twice.qcow2'), workshop);
    await terminal.until(/ [1-9]\d?% /);
    terminal.type(CTRL_C);
    const at = performance.now();
    await new Promise((done) => setTimeout(done, 300));
    terminal.type(CTRL_C);
    expect(await terminal.ended).toBe(130);
    expect(performance.now() - at).toBeLessThan(3_000);
    expect(terminal.shown().lastIndexOf(SHOW_CURSOR)).toBeGreaterThan(terminal.shown().lastIndexOf(HIDE_CURSOR));
  });

  test('NO_COLOR takes the colour away, --plain the drawing', async () => {
    const colourful = runInTerminal(['convert', disk, workshop.path('colour.qcow2')], workshop);
    expect(await colourful.ended).toBe(0);
    expect(colourful.shown()).toContain('\u001B[32m');

    const sober = runInTerminal(['convert', disk, workshop.path('sober.qcow2'), '--plain'], { ...workshop, env: { NO_COLOR: '1' } });
    expect(await sober.ended).toBe(0);
    expect(sober.shown()).not.toContain('\u001B');
    expect(sober.shown()).not.toContain('█');
  });

  test('a dumb terminal gets plain lines', async () => {
    const dumb = runInTerminal(['convert', disk, workshop.path('dumb.qcow2')], { ...workshop, env: { TERM: 'dumb' } });
    expect(await dumb.ended).toBe(0);
    expect(dumb.shown()).not.toContain('\u001B');
    expect(dumb.shown()).toMatch(/dumb\.qcow2: done 100%/);
  });

  test('a terminal without Unicode gets ASCII bars', async () => {
    const ascii = runInTerminal(slowly('ascii.qcow2'), { ...workshop, env: { LC_ALL: 'C' } });
    await ascii.until(/#-/);
    expect(await ascii.ended).toBe(0);
    expect(ascii.shown()).not.toContain('█');
  });
});

test('--quiet says nothing at all when all is well', async () => {
  expect(await run(['convert', disk, workshop.path('quiet.qcow2'), '--quiet'], workshop)).toEqual({ code: 0, stdout: '', stderr: '' });
});
