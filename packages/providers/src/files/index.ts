export { checkPackageAt } from './ovf/check-package.ts';
export { filesProvider } from './files-provider.ts';
export type { FilesConfig } from './files-config.ts';
