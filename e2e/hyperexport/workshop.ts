import { randomBytes } from 'node:crypto';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MIB } from '@hypersdk/domain';

/** A folder of its own for one test file, removed at the end. */
export interface Workshop extends AsyncDisposable {
  readonly folder: string;
  readonly state: string;
  path(name: string): string;
  /** A sparse raw disk of `sizeMib` with random data in the named MiB, so that nothing can pass by luck. */
  disk(name: string, o: { readonly sizeMib: number; readonly dataMib: readonly number[] }): Promise<string>;
}

export async function openWorkshop(): Promise<Workshop> {
  const folder = await mkdtemp(join(tmpdir(), 'hyperexport-e2e-'));
  return {
    folder,
    state: join(folder, 'state'),
    path: (name) => join(folder, name),
    async disk(name, { sizeMib, dataMib }) {
      const path = join(folder, name);
      await using file = await open(path, 'w');
      await file.truncate(sizeMib * MIB);
      for (const at of dataMib) await file.write(randomBytes(MIB), 0, MIB, at * MIB);
      return path;
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

/** Whole numbers from `start`, `count` of them. */
export const range = (start: number, count: number): readonly number[] => Array.from({ length: count }, (_, at) => start + at);
