export { missing } from './requires.ts';
