import type { HistoryEntry } from '@hypersdk/ports';
import { describe, expect, test } from 'vitest';
import { htmlReport } from './html-report.ts';

const entry: HistoryEntry = {
  id: '01HYPERSDK',
  command: 'export',
  state: 'failed',
  startedAt: '2026-03-02T10:00:00.000Z',
  finishedAt: '2026-03-02T10:01:05.000Z',
  source: '/vms',
  target: '/backup',
  vms: ['web-01'],
  bytes: 1024 ** 3,
  error: { code: 'target/full', message: 'The target is full.' },
  resume: [],
};
const report = (changes: Partial<HistoryEntry> = {}, query = ''): string =>
  htmlReport([{ ...entry, ...changes }], { madeAt: new Date('2026-03-03T00:00:00Z'), query });

describe('the report of runs', () => {
  test('says what was run, how long it took, and why it failed', () => {
    const page = report();
    for (const said of ['One run: 1 failed.', '>01HYPERSDK<', '>1:05<', '>web-01<', '>1 GiB<', 'The target is full. <code>target/full</code>'])
      expect(page).toContain(said);
  });

  test('takes every name for text', () => {
    const page = report(
      {
        source: '<script>alert(1)</script>',
        target: '"><img src=x onerror=y>',
        vms: ["a' onclick='x", '&lt;'],
        error: { code: '<', message: '\u0000\u202E\uD800\uFFFE' },
      },
      '</code><b>',
    );
    expect(page.match(/<(?:script|img|b)\b/g)).toBeNull();
    expect(page).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
    expect(page).toContain('a&#39; onclick=&#39;x, &amp;lt;');
    for (const sign of ['\u0000', '\u202E', '\uD800', '\uFFFE']) expect(page).not.toContain(sign);
  });

  test('needs nothing beside it, and forbids itself to load or run anything', () => {
    const page = report();
    expect(page).toContain(`content="default-src 'none'; style-src 'unsafe-inline'"`);
    expect(page.match(/\b(?:src|href|url)\s*[=(]/g)).toBeNull();
  });

  test('can be read by ear: a language, a title, headings for columns and rows', () => {
    const page = report();
    expect(page).toContain('<html xmlns="http://www.w3.org/1999/xhtml" lang="en">');
    expect(page.match(/<th scope="col">/g)).toHaveLength(9);
    expect(page).toContain('<th scope="row">');
    expect(page.match(/<h1>/g)).toHaveLength(1);
  });

  test('of nothing says so', () => {
    expect(htmlReport([], { madeAt: new Date(0), query: '--vm web' })).toContain('No run matches.');
  });
});
