import { HyperError } from '@hypersdk/domain';
import type { History } from '@hypersdk/ports';
import { FakeClock, MemoryHistory } from '@hypersdk/testkit';
import { beforeEach, describe, expect, test } from 'vitest';
import { findRun } from './run-id.ts';
import { recordRun, type RunSubject } from './run-record.ts';

const { signal } = new AbortController();
const subject: RunSubject = { command: 'export', source: '/vms/a', target: '/b', resume: ['export', '/vms/a', '--to=/b'] };

let history: History;
let count = 0;
let alive = false;
const ports = (): Parameters<typeof recordRun>[0] => ({
  history: async () => history,
  clock: new FakeClock(),
  runs: { hold: () => ({ [Symbol.dispose]: () => undefined }), isHeld: () => alive },
  ids: { next: () => `01HYPERSDK000000000000${String((count += 1)).padStart(3, '0')}Z` },
});
const run = (work: () => Promise<number>, about: RunSubject = subject): Promise<number> =>
  recordRun(ports(), about, { signal, work, gain: (bytes) => ({ bytes }) });

beforeEach(() => {
  history = new MemoryHistory();
  count = 0;
  alive = false;
});

describe('a run', () => {
  test('is remembered as running before the work starts and as succeeded after it', async () => {
    await run(async () => {
      expect((await history.list({ signal, limit: 9 })).map((entry) => entry.state)).toEqual(['running']);
      return 7;
    });
    expect(await history.list({ signal, limit: 9 })).toMatchObject([{ state: 'succeeded', bytes: 7, finishedAt: '2026-01-01T00:00:00.000Z' }]);
  });

  test('that was stopped says how to go on and keeps its id when typed again', async () => {
    await expect(run(() => Promise.reject(new HyperError('transfer/cancelled', 'Stopped')))).rejects.toMatchObject({
      code: 'transfer/cancelled',
      detail: { resume: '00001Z' },
    });
    await run(async () => 1);
    expect((await history.list({ signal, limit: 9 })).map((entry) => entry.id.slice(-2))).toEqual(['1Z']);
  });

  test('is not begun a second time while it goes on', async () => {
    await run(async () => {
      alive = true;
      await expect(run(async () => 1)).rejects.toMatchObject({ code: 'target/busy', message: 'Run 00001Z is at this already' });
      return 1;
    });
    expect(await history.list({ signal, limit: 9 })).toMatchObject([{ state: 'succeeded' }]);
  });

  test('that cannot go on promises nothing', async () => {
    await expect(run(() => Promise.reject(new HyperError('target/exists', 'Taken')))).rejects.toMatchObject({ detail: {} });
    expect(await history.list({ signal, limit: 9 })).toMatchObject([{ state: 'failed', error: { code: 'target/exists', message: 'Taken' } }]);
  });
});

describe('resume', () => {
  const stop = (about: RunSubject): Promise<unknown> =>
    run(() => Promise.reject(new HyperError('transfer/cancelled', 'Stopped')), about).catch(() => undefined);

  test('takes the newest run that did not succeed, or the one named by the end of its id', async () => {
    await stop(subject);
    await stop({ ...subject, source: '/vms/b', resume: ['export', '/vms/b'] });
    await run(async () => 1, { ...subject, resume: ['export', '/vms/c'] });
    expect((await findRun(history, undefined, { signal })).source).toBe('/vms/b');
    expect((await findRun(history, '1z', { signal })).source).toBe('/vms/a');
  });

  test('refuses an ending that fits several runs or none', async () => {
    await stop(subject);
    await stop({ ...subject, resume: ['x'] });
    await expect(findRun(history, 'Z', { signal })).rejects.toThrow('More than one run ends in Z');
    await expect(findRun(history, 'QQ', { signal })).rejects.toMatchObject({
      code: 'run/not-found',
      message: expect.stringMatching(/^There is no run QQ; what can go on is \w+, \w+$/),
    });
  });

  test('passes over what no new try can mend', async () => {
    await stop(subject);
    await run(() => Promise.reject(new HyperError('target/exists', 'Taken')), { ...subject, resume: ['y'] }).catch(() => undefined);
    expect((await findRun(history, undefined, { signal })).resume).toEqual(subject.resume);
  });

  test('has nothing to do when everything succeeded', async () => {
    await run(async () => 1);
    await expect(findRun(history, undefined, { signal })).rejects.toThrow('no run to go on with');
  });
});
