import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { statIfThere } from './stat-if-there.ts';

test('what is absent is undefined, and what cannot be looked at is said to be so', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'stat-'));
  try {
    await writeFile(join(folder, 'file'), 'x');
    expect((await statIfThere(join(folder, 'file')))?.size).toBe(1);
    expect(await statIfThere(join(folder, 'absent'))).toBeUndefined();
    expect(await statIfThere(join(folder, 'file', 'below'))).toBeUndefined();
    await expect(statIfThere(join(folder, 'n'.repeat(300)))).rejects.toMatchObject({ code: 'source/forbidden', detail: { system: 'ENAMETOOLONG' } });
  } finally {
    await rm(folder, { recursive: true });
  }
});
