export { registry } from './registry.ts';
export { checkPackageAt } from './files/index.ts';
export { isLibvirtUri } from './libvirt/index.ts';
