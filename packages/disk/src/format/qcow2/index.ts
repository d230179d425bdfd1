export { qcow2Reader } from './reader.ts';
export { qcow2Writer } from './writer.ts';
