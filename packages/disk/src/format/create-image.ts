import { fdatasync, rmSync } from 'node:fs';
import { promisify } from 'node:util';
import type { BlockSink, ImageSettings } from '@hypersdk/ports';
import { WritableDiskFile } from '../file/disk-file.ts';
import { toTargetError } from '../file/io-error.ts';
import { publishFile } from '../copy/publish.ts';
import { ImageSink } from './image-sink.ts';

const syncData = promisify(fdatasync);

/** Makes a new image of `virtualSize` bytes to be filled in disk order. It gets its name when it is finished and synced; `target/exists` when that is taken then. */
export function createImage(path: string, virtualSize: number, settings: ImageSettings): BlockSink {
  const partial = `${path}.partial`;
  rmSync(partial, { force: true });
  const file = WritableDiskFile.open(partial, 'create');
  const sync = async (): Promise<void> => {
    await syncData(file.fd).catch((cause: unknown) => {
      throw toTargetError(cause, partial, 'syncing it');
    });
  };
  const publish = (): void => {
    publishFile({ path: partial, fd: file.fd }, path, { overwrite: false });
    file[Symbol.dispose]();
  };
  const discard = (): void => {
    file[Symbol.dispose]();
    rmSync(partial, { force: true });
  };
  return new ImageSink({ file, sync, publish, discard }, virtualSize, settings);
}
