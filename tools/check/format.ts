// Formats the whole tree: `make format`.
import { spawnSync } from 'node:child_process';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '../..');
process.exitCode = spawnSync(join(root, 'node_modules/.bin/oxfmt'), { cwd: root, stdio: 'inherit' }).status ?? 1;
