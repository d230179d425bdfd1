import type { HistoryEntry } from '@hypersdk/ports';
import { describe, expect, test } from 'vitest';
import { parseMoment, searchHistory, type HistoryQuery } from './search-history.ts';

const run = (id: string, changes: Partial<HistoryEntry> = {}): HistoryEntry => ({
  id,
  command: 'export',
  state: 'succeeded',
  startedAt: '2026-03-02T10:00:00.000Z',
  source: '/vms',
  target: '/backup',
  resume: [],
  ...changes,
});
const entries = [
  run('1', { vms: ['Web-01', 'db'] }),
  run('2', {
    state: 'failed',
    source: '/vms mail',
    startedAt: '2026-03-01T10:00:00.000Z',
    error: { code: 'target/full', message: 'The target is full' },
  }),
  run('3', { command: 'convert', source: '/images/web.vmdk', startedAt: '2026-02-01T10:00:00.000Z' }),
];
const find = (query: Partial<HistoryQuery>): readonly string[] => searchHistory(entries, { words: [], ...query }).map((entry) => entry.id);

describe('searching the history', () => {
  test('finds all when nothing is asked', () => {
    expect(find({})).toEqual(['1', '2', '3']);
  });

  test('finds VMs by part of their name, in what was exported or asked for', () => {
    expect(find({ vm: 'web' })).toEqual(['1', '3']);
    expect(find({ vm: 'MAIL' })).toEqual(['2']);
  });

  test('takes the time from its first moment up to its last', () => {
    expect(find({ since: Date.parse('2026-03-01T10:00:00Z') })).toEqual(['1', '2']);
    expect(find({ until: Date.parse('2026-03-01T10:00:00Z') })).toEqual(['3']);
  });

  test('finds results, and words wherever they are', () => {
    expect(find({ result: 'failed' })).toEqual(['2']);
    expect(find({ words: ['FULL', 'mail'] })).toEqual(['2']);
    expect(find({ words: ['full', 'web'] })).toEqual([]);
  });
});

describe('a moment', () => {
  const now = Date.parse('2026-03-02T12:00:00Z');

  test('is a day, a time, or how long ago', () => {
    expect(parseMoment('2026-03-01', now)).toBe(new Date(2026, 2, 1).getTime());
    expect(parseMoment('2026-03-01T08:30', now)).toBe(new Date(2026, 2, 1, 8, 30).getTime());
    expect(parseMoment('2026-03-01T08:30:00+02:00', now)).toBe(Date.parse('2026-03-01T06:30:00Z'));
    expect([parseMoment('90m', now), parseMoment('7d', now)]).toEqual([now - 5_400_000, now - 604_800_000]);
  });

  test.each(['yesterday', '2026-02-31', '2026-13-01', '03/01/2026', '7y', '', '2026-03-01T25:00'])('is not %j', (text) => {
    expect(parseMoment(text, now)).toBeUndefined();
  });
});
