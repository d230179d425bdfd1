export { registry } from './registry.ts';
export { checkPackageAt } from './files/index.ts';
