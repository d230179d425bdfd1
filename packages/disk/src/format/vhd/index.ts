export { vhdReader } from './reader.ts';
export { vhdWriter } from './writer.ts';
