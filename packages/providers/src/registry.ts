import { imageInspector } from '@hypersdk/disk';
import type { Registry } from '@hypersdk/ports';
import { filesProvider } from './files/index.ts';
import { memoryProvider } from './memory/index.ts';

/** Every kind of platform that works today: the only list. A kind without its provider does not compile. */
export const registry = {
  files: filesProvider(imageInspector),
  memory: memoryProvider,
} as const satisfies Registry;
