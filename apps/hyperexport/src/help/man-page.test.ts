import { expectGolden } from '@hypersdk/testkit';
import { expect, test } from 'vitest';
import { verbs } from '../command-table.ts';
import { tool } from '../tool.ts';
import { manPage } from './man-page.ts';

test('the manual page is the one that is kept (UPDATE_GOLDEN=1 writes it)', async () => {
  expectGolden(new URL('../../../../docs/man/hyperexport.1', import.meta.url), await manPage(tool.version));
});

test('it has every command, and no line that groff would take for a request of its own', async () => {
  const page = await manPage('1.0.0');
  for (const verb of verbs) expect(page).toContain(`\n.SS ${verb}`);
  expect(page).toMatch(/^[\u0000-\u007F]*$/);
  const requests = [...page.matchAll(/^\.(\w+)/gm)].map(([, name]) => name);
  expect(new Set(requests)).toEqual(new Set(['B', 'BR', 'EE', 'EX', 'PP', 'SH', 'SS', 'TH', 'TP', 'br']));
});
