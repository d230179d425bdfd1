import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { missingEntries, type Lockfile } from './missing-entries.ts';

// Run after `npm install`: node tools/lockfile/complete-lockfile.ts [package-lock.json]
const path = resolve(process.argv[2] ?? 'package-lock.json');
const lockfile: Lockfile = JSON.parse(readFileSync(path, 'utf8'));
const missing = missingEntries(lockfile);
const packages = Object.fromEntries(Object.entries({ ...lockfile.packages, ...missing }).sort(([a], [b]) => (a < b ? -1 : 1)));
writeFileSync(path, `${JSON.stringify({ ...lockfile, packages }, undefined, 2)}\n`);
process.stdout.write(`${Object.keys(missing).length} optional packages added to ${path}\n`);
