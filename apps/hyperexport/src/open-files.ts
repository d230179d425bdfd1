import { resolve } from 'node:path';
import type { ImageFormat } from '@hypersdk/domain';
import type { Cancel, ProviderSession } from '@hypersdk/ports';
import type { Services } from './services.ts';

/** A session over a folder of disk images or one image. */
export async function openFiles(
  services: Services,
  path: string,
  o: Cancel & { readonly flags: { readonly followReferences?: boolean; readonly sourceFormat?: ImageFormat } },
): Promise<ProviderSession> {
  const { files } = await services.registry();
  const config = files.parse({
    path: resolve(path),
    references: o.flags.followReferences ? 'beside' : 'refuse',
    ...(o.flags.sourceFormat === undefined ? {} : { format: o.flags.sourceFormat }),
  });
  return files.open(config, o);
}
