export { memoryProvider } from './memory-provider.ts';
export type { MemoryConfig, MemoryDisk, MemoryVM } from './memory-config.ts';
