export { vmdkReader } from './reader.ts';
export type { VmdkPlan } from './vmdk-plan.ts';
export { vmdkWriter } from './writer.ts';
