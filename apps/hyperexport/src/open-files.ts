import { resolve } from 'node:path';
import type { Cancel, ProviderSession } from '@hypersdk/ports';
import type { Services } from './services.ts';

export interface FilesFlags {
  readonly recursive?: boolean;
  readonly followReferences?: boolean;
}

const onOff = { kind: 'boolean', optional: true, withNegated: false } as const;

export const filesFlags = {
  recursive: { ...onOff, brief: 'Look through folders inside PATH too' },
  followReferences: { ...onOff, brief: 'Allow files beside an image that it refers to' },
} as const;

/** A session over a folder of disk images or one image. */
export async function openFiles(services: Services, path: string, o: Cancel & { readonly flags: FilesFlags }): Promise<ProviderSession> {
  const { files } = await services.registry();
  const config = files.parse({
    path: resolve(path),
    recursive: o.flags.recursive ?? false,
    references: o.flags.followReferences ? 'beside' : 'refuse',
  });
  return files.open(config, o);
}
