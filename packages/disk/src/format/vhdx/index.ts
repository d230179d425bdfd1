export { vhdxReader } from './reader.ts';
export type { VhdxPlan } from './vhdx-plan.ts';
export { vhdxWriter } from './writer.ts';
