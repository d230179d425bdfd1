export { vdiReader } from './reader.ts';
export { vdiWriter } from './writer.ts';
