export { qcow2Reader } from './reader.ts';
