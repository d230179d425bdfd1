import { join, resolve } from 'node:path';

export const root = resolve(import.meta.dirname, '../..');

interface Program {
  readonly name: string;
  /** What the name starts: it finds a Node that is new enough, then loads the rest. */
  readonly launcher: string;
}

/** Every program that is installed. All of them share one bundle. */
export const programs: readonly Program[] = [{ name: 'hyperexport', launcher: join(root, 'apps/hyperexport/bin/hyperexport.mjs') }];
