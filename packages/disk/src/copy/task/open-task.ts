import { nativeFs } from '../../native/load.ts';
import type { CopyTaskSpec, TaskSpec } from '../messages.ts';
import { CompareTask } from './compare-task.ts';
import { ContainerTask } from './container-task.ts';
import { CopyTask } from './copy-task.ts';
import { FillTask } from './fill-task.ts';
import { HashTask } from './hash-task.ts';
import { LocatedCopyTask } from './located-copy-task.ts';
import { PassingCopyTask } from './passing-copy-task.ts';
import type { LeafTask, MoverDoor } from './leaf-task.ts';

export async function openTask(spec: TaskSpec, door: MoverDoor): Promise<LeafTask> {
  switch (spec.kind) {
    case 'copy':
      return openCopy(spec, door);
    case 'hash':
      return HashTask.open(spec, door);
    case 'compare':
      return CompareTask.open(spec, door);
    case 'fill':
      return FillTask.open(spec, door);
    case 'container':
      return new ContainerTask(spec, door);
  }
}

async function openCopy(spec: CopyTaskSpec, door: MoverDoor): Promise<LeafTask> {
  if (PassingCopyTask.suits(spec)) return await PassingCopyTask.open(spec, door);
  const fallback = await CopyTask.open(spec, door);
  if (spec.method === 'buffers') return fallback;
  return LocatedCopyTask.open(spec, door, { copyRange: spec.method === 'pieces' ? undefined : nativeFs().copyRange, fallback });
}
