export { filesProvider } from './files-provider.ts';
export type { FilesConfig } from './files-config.ts';
