import { imageInspector, nbdDisks, webImages } from '@hypersdk/disk';
import type { Registry } from '@hypersdk/ports';
import { httpProvider, nbdProvider } from './address/index.ts';
import { filesProvider } from './files/index.ts';
import { libvirtProvider } from './libvirt/index.ts';
import { memoryProvider } from './memory/index.ts';

/** Every kind of platform that works today: the only list. A kind without its provider does not compile. */
export const registry = {
  files: filesProvider(imageInspector),
  memory: memoryProvider,
  libvirt: libvirtProvider,
  nbd: nbdProvider(nbdDisks),
  http: httpProvider(webImages),
} as const satisfies Registry;
