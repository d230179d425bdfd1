import { fileURLToPath } from 'node:url';
import type { ConfinementRules } from './rules.ts';

/** The beginning of a command line that runs what follows with no network, and of the file system only what the rules open; it needs neither privileges nor namespaces. The program is named by its path. */
export const confine = (rules: ConfinementRules): readonly [string, ...string[]] => [
  process.execPath,
  fileURLToPath(new URL('./confined.ts', import.meta.url)),
  JSON.stringify(rules),
];
