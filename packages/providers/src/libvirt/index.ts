export { libvirtProvider } from './libvirt-provider.ts';
export { isLibvirtUri } from './libvirt-uri.ts';
