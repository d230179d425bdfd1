import { displayWidth } from '../output/printable.ts';
import { describe, expect, test } from 'vitest';
import type { BrowseEffect } from './browse-state.ts';
import { buildVM, openSession, type Session } from './build-state.ts';
import { viewBrowse } from './view-browse.ts';

const vms = ['db', 'mail', 'web-2', 'web-10'].map((name, at) => buildVM(name, (at + 1) * 32));
const kinds = (effects: readonly BrowseEffect[]): readonly string[] => effects.map(({ kind }) => kind);
const chosen = ({ state }: Session): readonly string[] => [...state().list.chosen].toSorted();
const shown = ({ state }: Session): readonly string[] => state().list.shown.map(({ name }) => name);
const plansOf = (session: Session) =>
  session.state().list.vms.map((vm) => ({ vm, name: vm.name, manifestName: '', disks: [], spaceNeeded: 1, resumes: false, findings: [] }));

/** Everything chosen, planned and started. */
function startAll(width?: string): Session {
  const session = openSession(vms);
  session.press('a', 'enter', '"/backup"');
  if (width !== undefined) session.press(...Array.from({ length: 7 }, () => 'down'), `"${width}"`);
  session.happen({ kind: 'checked' });
  session.press('enter');
  session.happen({ kind: 'planned', plans: plansOf(session) });
  session.press('enter');
  return session;
}
const statesOf = ({ state }: Session): readonly string[] => state().jobs.jobs.map((job) => job.state);

describe('the list', () => {
  test('filters while it is typed, keeps the filter at Enter and drops it at Escape', () => {
    const session = openSession(vms);
    session.press('/', '"WEB"');
    expect(shown(session)).toEqual(['web-2', 'web-10']);
    session.press('enter');
    expect(session.seen()).toContain('filter "WEB"');
    session.press('escape');
    expect(shown(session)).toHaveLength(4);
  });

  test('sorts by each column in both directions, numbers in names as numbers', () => {
    const session = openSession(vms);
    expect(shown(session)).toEqual(['db', 'mail', 'web-2', 'web-10']);
    session.press('s', 's', 's', 'r');
    expect(session.state().list.sortBy).toBe('size');
    expect(shown(session)).toEqual(['web-10', 'web-2', 'mail', 'db']);
    session.press('S', 'S', 'S', 'S');
    expect(session.state().list.sortBy).toBe('firmware');
  });

  test('the cursor stays on its VM when the order changes', () => {
    const session = openSession(vms);
    session.press('down', 'r');
    expect(session.state().list.shown[session.state().list.cursor]?.name).toBe('mail');
  });

  test('chooses one, all that are shown, the others, by pattern, and none', () => {
    const session = openSession(vms);
    session.press(' ');
    expect(chosen(session)).toEqual(['db.raw']);
    session.press('i');
    expect(chosen(session)).toEqual(['mail.raw', 'web-10.raw', 'web-2.raw']);
    session.press('c', 'm', '"^web-[0-9]$"', 'enter');
    expect(chosen(session)).toEqual(['web-2.raw']);
    session.press('a');
    expect(chosen(session)).toHaveLength(4);
    session.press('a');
    expect(chosen(session)).toEqual([]);
  });

  test('a pattern that is none says so and stays open', () => {
    const session = openSession(vms);
    session.press('m', '"("', 'enter');
    expect(session.seen()).toContain('not a regular expression');
    session.press('escape');
    expect(session.state().list.prompt).toBeUndefined();
  });

  test('disks are looked into only when details are shown, and once', () => {
    const session = openSession(vms);
    expect(session.press('down')).toEqual([]);
    expect(kinds(session.press('d'))).toEqual(['look']);
    session.happen({ kind: 'looked', vm: vms[1]?.id ?? buildVM('x').id, looks: [{ label: 'mail.raw', problem: 'It cannot be read' }] });
    expect(session.seen()).toContain('It cannot be read');
    expect(session.press('k')).toMatchObject([{ kind: 'look', vm: { name: 'db' } }]);
    expect(session.press('j')).toEqual([]);
  });

  test('another source is looked at, and an answer for the one before is dropped', () => {
    const session = openSession(vms);
    session.press('o', 'ctrl+u');
    expect(session.press('"/other"', 'enter')).toEqual([{ kind: 'load', source: '/other' }]);
    session.happen({ kind: 'loaded', source: '/vms', vms, leftOut: [] });
    expect(session.seen()).toContain('Looking …');
    session.happen({ kind: 'loaded', source: '/other', vms: [], leftOut: [], problem: 'There is no folder /other' });
    expect(session.seen()).toContain('There is no folder /other');
  });
});

describe('the choices', () => {
  test('make the command that is shown, and each change is judged', () => {
    const session = openSession(vms);
    session.press('m', '"web"', 'enter', 'enter', '"/backup"');
    const effects = session.press('down', 'right', 'right');
    expect(effects.at(-1)).toMatchObject({
      kind: 'check',
      line: ['export', '--format=vmdk', '--to=/backup', '--', '/vms', 'web-2.raw', 'web-10.raw'],
    });
    expect(session.seen()).toContain('hyperexport export --format=vmdk --to=/backup -- /vms web-2.raw web-10.raw');
  });

  test('longer than a row can be copied out of several', () => {
    const session = openSession(vms);
    session.press('m', '"web"', 'enter', 'enter', `"/${'backup/'.repeat(9)}"`);
    const [command = ''] = /hyperexport export[^]*raw/.exec(session.seen()) ?? [];
    expect(command.replaceAll(/ \\\n */g, ' ')).toBe(`hyperexport export --to=/${'backup/'.repeat(9)} -- /vms web-2.raw web-10.raw`);
  });

  test('of another format drop the subformat', () => {
    const session = openSession(vms);
    session.press('enter', 'down', 'right', 'right', 'down', 'right');
    expect(session.state().options.values).toMatchObject({ format: 'vmdk', subformat: 'streamOptimized' });
    session.press('up', 'right');
    expect(session.state().options.values).toMatchObject({ format: 'vhd', subformat: '' });
  });

  test('what is wrong is marked, and nothing is planned before it is mended', () => {
    const session = openSession(vms);
    session.press('enter');
    session.happen({ kind: 'checked', problem: { field: 'to', text: '--to is missing.' } });
    expect(session.seen()).toMatch(/! .*\(needed\)[\s\S]*--to is missing/);
    expect(session.press('enter')).toEqual([]);
    expect(session.seen()).toContain('First mend what is wrong.');
  });

  test('a profile fills them, keeps what no field shows, and can be saved under another name', () => {
    const session = openSession(vms);
    session.happen({
      kind: 'prepared',
      profile: 'nightly',
      profiles: new Map([['nightly', { compression: 'zstd:3', workers: 2, 'limit-rate': '50M', overwrite: true }]]),
      settings: { to: '/backup' },
      unfinished: [],
    });
    session.press('enter');
    expect(session.seen()).toMatch(/< nightly >/);
    const [judged] = session.press('right');
    expect(judged).toMatchObject({ kind: 'check', line: ['export', '--to=/backup', '--', '/vms', 'db.raw'] });
    session.press('left');
    expect(session.seen()).toMatch(/< nightly >/);
    const line = session.press('right', 'left').at(-1);
    expect(line).toMatchObject({
      line: ['export', '--workers=2', '--compression=zstd:3', '--limit-rate=50M', '--overwrite', '--to=/backup', '--', '/vms', 'db.raw'],
    });
    expect(session.press('ctrl+s', 'ctrl+u', '"mine"', 'enter')).toEqual([
      {
        kind: 'save',
        name: 'mine',
        profile: { workers: 2, compression: 'zstd:3', 'limit-rate': '50M', overwrite: true, to: '/backup' },
      },
    ]);
  });
});

describe('exports', () => {
  test('start as many as may run, and the next when one ends', () => {
    const session = startAll();
    expect(statesOf(session)).toEqual(['running', 'running', 'waiting', 'waiting']);
    expect(session.happen({ kind: 'ended', job: 1, end: { kind: 'done', finished: [] } })).toMatchObject([{ kind: 'run', job: { label: 'web-2' } }]);
    expect(statesOf(session)).toEqual(['done', 'running', 'running', 'waiting']);
    expect(statesOf(startAll('1'))).toEqual(['running', 'waiting', 'waiting', 'waiting']);
  });

  test('what cannot be done is left out when the rest starts', () => {
    const session = openSession(vms);
    session.press('a', 'enter');
    session.happen({ kind: 'checked' });
    session.press('enter');
    const [first, ...others] = plansOf(session);
    if (!first) throw new Error('There is no plan.');
    session.happen({ kind: 'planned', plans: [{ ...first, findings: [{ severity: 'error', summary: 'It is there already.' }] }, ...others] });
    expect(session.seen()).toMatch(/db .*cannot[\s\S]*db: It is there already/);
    session.press('enter');
    expect(session.state().jobs.jobs.map(({ label }) => label)).toEqual(['mail', 'web-2', 'web-10']);
  });

  test('a pause halts, its place goes to the next, and going on waits for a place', () => {
    const session = startAll();
    expect(session.press(' ')).toEqual([{ kind: 'halt', job: 1 }]);
    expect(statesOf(session)).toEqual(['pausing', 'running', 'waiting', 'waiting']);
    expect(session.happen({ kind: 'ended', job: 1, end: { kind: 'stopped', resume: '7Q4M2K' } })).toMatchObject([{ kind: 'run', job: { id: 3 } }]);
    expect(session.seen()).toContain('hyperexport resume 7Q4M2K');
    session.press('r');
    expect(statesOf(session)).toEqual(['waiting', 'running', 'running', 'waiting']);
  });

  test('a cancel asks first, and what is cancelled can still go on', () => {
    const session = startAll();
    session.press('c');
    expect(session.seen()).toContain('Cancel db?');
    expect(session.press('n')).toEqual([]);
    expect(session.press('c', 'y')).toEqual([{ kind: 'halt', job: 1 }]);
    session.happen({ kind: 'ended', job: 1, end: { kind: 'stopped' } });
    expect(statesOf(session)[0]).toBe('cancelled');
    session.press('P');
    expect(statesOf(session)).toEqual(['cancelled', 'pausing', 'pausing', 'paused']);
    session.press('r', 'R');
    expect(statesOf(session)).toEqual(['waiting', 'pausing', 'pausing', 'waiting']);
  });

  test('a failure that can be mended may be tried again, another not', () => {
    const session = startAll();
    session.happen({ kind: 'ended', job: 1, end: { kind: 'failed', problem: 'The target is full.', canGoOn: true, exitCode: 75 } });
    expect(session.seen()).toContain('Press r to try again');
    session.press('r');
    expect(statesOf(session)[0]).toBe('waiting');
    session.happen({ kind: 'ended', job: 2, end: { kind: 'failed', problem: 'It is refused.', canGoOn: false, exitCode: 65 } });
    session.press('down', 'r');
    expect(statesOf(session)[1]).toBe('failed');
  });

  test('of earlier runs are offered first and go on with their own commands', () => {
    const session = openSession(vms);
    const entry = { command: 'export', state: 'cancelled', startedAt: '2026-11-24T10:00:00Z', source: '/vms db', target: '/backup' } as const;
    const entries = ['01A7Q4M2K', '01B7Q4M2L'].map((id) => ({ ...entry, id, resume: ['export', '--to=/backup', '--', '/vms', id] }));
    session.happen({ kind: 'prepared', profiles: new Map(), settings: {}, unfinished: entries });
    expect(session.seen()).toContain('These exports did not end');
    const effects = session.press('down', ' ', 'enter');
    expect(effects).toMatchObject([{ kind: 'run', job: { order: { line: ['export', '--to=/backup', '--', '/vms', '01A7Q4M2K'] } } }]);
    session.press('escape', 'u');
    expect(session.seen()).toContain('7Q4M2L');
  });
});

describe('leaving', () => {
  test('is at once where nothing goes on', () => {
    expect(openSession(vms).press('q')).toEqual([{ kind: 'leave', isForced: false }]);
  });

  test('asks while exports go on, and waits for their checkpoints', () => {
    const session = startAll();
    expect(session.press('q')).toEqual([]);
    expect(session.press('x')).toEqual([]);
    expect(kinds(session.press('q', 'y'))).toEqual(['halt', 'halt']);
    expect(statesOf(session)).toEqual(['pausing', 'pausing', 'paused', 'paused']);
    expect(session.happen({ kind: 'ended', job: 1, end: { kind: 'stopped' } })).toEqual([]);
    expect(session.happen({ kind: 'ended', job: 2, end: { kind: 'stopped' } })).toEqual([{ kind: 'leave', isForced: false }]);
  });

  test.each(['ctrl+c', 'stopped'])('at %s does not ask; the second Ctrl-C does not wait', (how) => {
    const session = startAll();
    const effects = how === 'stopped' ? session.happen({ kind: 'stopped' }) : session.press(how);
    expect(kinds(effects)).toEqual(['halt', 'halt']);
    expect(session.press('ctrl+c')).toContainEqual({ kind: 'leave', isForced: true });
  });

  test('letters that are typed into a text leave nothing', () => {
    const session = openSession(vms);
    expect(session.press('/', '"q?"')).toEqual([]);
    expect(session.state().list.filter).toBe('q?');
    session.press('escape', 'enter');
    expect(session.press('"q?"').every(({ kind }) => kind === 'check')).toBe(true);
    expect(session.state().options.values.to).toBe('q?');
  });
});

describe('the screen', () => {
  const hostile = ['evil\u001B[2Jx', 'turn\u202Egnp', '仮想マシン', 'we\u0301b', 'x'.repeat(300)].map((name) => buildVM(name));
  const views: readonly (readonly [string, (session: Session) => void])[] = [
    ['list', () => undefined],
    ['details', (session) => session.press('d')],
    ['filter', (session) => session.press('/', '"x"')],
    ['help', (session) => session.press('?')],
    ['options', (session) => session.press('a', 'enter')],
    [
      'plan',
      (session) => {
        session.press('a', 'enter', 'enter');
        session.happen({ kind: 'planned', plans: plansOf(session) });
      },
    ],
    [
      'jobs',
      (session) => {
        session.press('a', 'enter', 'enter');
        session.happen({ kind: 'planned', plans: plansOf(session) });
        session.press('enter');
      },
    ],
  ];
  const sizes = [
    { columns: 80, rows: 24 },
    { columns: 120, rows: 40 },
    { columns: 81, rows: 25 },
    { columns: 40, rows: 10 },
    { columns: 1, rows: 1 },
  ];

  test.each(views)('of %s fills the window exactly at every size, whatever names are', (_, go) => {
    for (const size of sizes) {
      const session = openSession(hostile, { columns: 80, rows: 24 });
      go(session);
      session.happen({ kind: 'resized', size });
      const rows = viewBrowse(session.state());
      expect(rows).toHaveLength(size.rows);
      for (const row of rows) {
        const text = row.map((part) => part.text).join('');
        expect(displayWidth(text)).toBe(size.columns);
        expect(text).not.toMatch(/[\p{Cc}\p{Cf}]/u);
      }
    }
  });

  test.each(Object.entries({ list: [], options: ['enter'] }))('of %s has its keys on the lowest row', (_, keys) => {
    const session = openSession(vms);
    session.press(...keys);
    expect(session.seen().split('\n').at(-1)).toMatch(/^Enter .*(?:q quit|Esc back)/);
  });

  test('a thousand VMs are drawn and moved through in a blink', () => {
    const session = openSession(Array.from({ length: 1000 }, (__, at) => buildVM(`vm-${at}`)));
    const begun = performance.now();
    for (let at = 0; at < 200; at += 1) {
      session.press('pagedown', 'k');
      viewBrowse(session.state());
    }
    expect((performance.now() - begun) / 200).toBeLessThan(20);
    expect(session.seen()).toMatch(/of 1000/);
  });
});
