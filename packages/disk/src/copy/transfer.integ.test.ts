import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MIB, type ImageFormat } from '@hypersdk/domain';
import type { ImageLocator, ImageSettings } from '@hypersdk/ports';
import { calm, missing, transferContract, type ArrangeTransfer } from '@hypersdk/testkit';
import { describe } from 'vitest';
import { imageInspector } from '../inspect/image-inspector.ts';
import { openTransfer } from './transfer.ts';

const locate = (path: string, format: ImageFormat): ImageLocator => ({ kind: 'image', image: { path, format, references: 'refuse' } });

/** Sources and targets are real files; targets are read back by qemu-img. */
const arrange =
  (settings: ImageSettings): ArrangeTransfer =>
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'transfer-'));
    let count = 0;
    const fresh = (suffix: string): string => join(folder, `${(count += 1)}.${suffix}`);
    return {
      settings,
      windowSize: 64 * MIB,
      open: async () => openTransfer({ workers: 2 }),
      makeSource: async (content) => {
        const path = fresh('raw');
        await writeFile(path, content);
        return locate(path, 'raw');
      },
      rewriteSource: async (source, content) => {
        await using file = await open(source.image.path, 'r+');
        await file.write(content, 0, content.length, 0);
      },
      markOf: (source) => imageInspector.mark(source.image, calm),
      absentSource: () => locate(join(folder, 'absent'), 'raw'),
      freshPath: () => fresh(settings.format),
      locate: (path) => locate(path, settings.format),
      readTarget: async (path) => {
        if (!existsSync(path)) return undefined;
        execFileSync('qemu-img', ['convert', '-f', settings.format, '-O', 'raw', path, `${path}.read`]);
        const content = await readFile(`${path}.read`);
        await rm(`${path}.read`);
        return content;
      },
      [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
    };
  };

describe.skipIf(missing('qemu-img')).each<ImageSettings>([{ format: 'raw' }, { format: 'qcow2' }, { format: 'vmdk', subformat: 'streamOptimized' }])(
  'the transfer engine writing %o (needs qemu-img)',
  (settings) => transferContract(arrange(settings)),
);
