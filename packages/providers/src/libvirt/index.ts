export { libvirtProvider } from './libvirt-provider.ts';
