export { httpProvider, nbdProvider } from './address-provider.ts';
