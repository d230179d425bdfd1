import { resolve } from 'node:path';
import { defineConfig } from 'vitest/config';

const root = resolve(import.meta.dirname, '../..');
const EVERYWHERE = ['packages', 'apps', 'tools', 'bench', 'fuzz'];
const tests = (ending: string): string[] => EVERYWHERE.map((folder) => `${folder}/**/*${ending}`);
const NEVER = ['**/node_modules/**', '**/fixtures/**'];

/** Two at a time: integration tests start programs and worker threads of their own. */
const WORKERS = 2;
/** Unit tests take milliseconds; this is for a machine that is busy with something else. */
const UNIT_TIMEOUT_MS = 20_000;
const INTEGRATION_TIMEOUT_MS = 30_000;
const HOOK_TIMEOUT_MS = 60_000;

/** Guests that are converted take minutes each: only when they are asked for (make conversions). */
const CONVERSIONS = 'conversions';
const wantsConversions = process.argv.includes(`--project=${CONVERSIONS}`);

const heavy = {
  root,
  pool: 'forks' as const,
  maxWorkers: WORKERS,
  testTimeout: INTEGRATION_TIMEOUT_MS,
  hookTimeout: HOOK_TIMEOUT_MS,
  exclude: NEVER,
};

export default defineConfig({
  root,
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          root,
          pool: 'threads',
          maxWorkers: WORKERS,
          testTimeout: UNIT_TIMEOUT_MS,
          include: tests('.test.{ts,mjs}'),
          exclude: [...NEVER, '**/*.integ.test.ts'],
          sequence: { groupOrder: 0 },
        },
      },
      { test: { ...heavy, name: 'integ', include: tests('.integ.test.ts'), sequence: { groupOrder: 1 } } },
      { test: { ...heavy, name: 'e2e', include: ['e2e/**/*.test.ts'], sequence: { groupOrder: 2 } } },
      ...(wantsConversions ? [{ test: { ...heavy, name: CONVERSIONS, include: ['e2e/**/*.conversion.ts'], maxWorkers: 1 } }] : []),
    ],
  },
});
