import { nativeFs } from '../../native/load.ts';
import type { CopyTaskSpec, TaskSpec } from '../messages.ts';
import { CompareTask } from './compare-task.ts';
import { ContainerTask } from './container-task.ts';
import { CopyTask } from './copy-task.ts';
import { HashTask } from './hash-task.ts';
import { LocatedCopyTask } from './located-copy-task.ts';
import type { LeafTask, MoverDoor } from './leaf-task.ts';

export function openTask(spec: TaskSpec, door: MoverDoor): LeafTask {
  switch (spec.kind) {
    case 'copy':
      return openCopy(spec, door);
    case 'hash':
      return new HashTask(spec, door);
    case 'compare':
      return new CompareTask(spec, door);
    case 'container':
      return new ContainerTask(spec, door);
  }
}

function openCopy(spec: CopyTaskSpec, door: MoverDoor): LeafTask {
  const fallback = new CopyTask(spec, door);
  if (spec.method === 'buffers') return fallback;
  return new LocatedCopyTask(spec, door, { copyRange: spec.method === 'pieces' ? undefined : nativeFs().copyRange, fallback });
}
