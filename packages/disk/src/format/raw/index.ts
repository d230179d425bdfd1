export { rawReader } from './reader.ts';
export { rawWriter } from './writer.ts';
