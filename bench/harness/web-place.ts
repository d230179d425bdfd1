import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { startNginx } from '../../packages/disk/src/remote/http/build-nginx.ts';
import type { ImageName, Images } from '../images/bench-images.ts';
import type { Web } from './bench-case.ts';

/** nginx on this machine, serving an image. It runs for the whole of a case, so its CPU is nobody's; what it costs each contestant is the same core. */
export async function openWebPlace(images: Images, name: ImageName): Promise<Web & AsyncDisposable> {
  const nginx = await startNginx();
  symlinkSync(images.path(name), join(nginx.folder, name));
  return {
    http: `${nginx.http}/${name}`,
    https: `${nginx.https}/${name}`,
    authorityFile: nginx.authorityFile,
    [Symbol.asyncDispose]: () => nginx[Symbol.asyncDispose](),
  };
}
