import { HyperError, type VMInfo } from '@hypersdk/domain';
import type { Cancel, Inventory } from '@hypersdk/ports';
import { listVMs } from '@hypersdk/usecases';
import { listNearest } from '../output/nearest-names.ts';

// A folder with more machines than this is a mistake in the path, and a list of them would help nobody.
const VM_COUNT_MAX = 100_000;

export interface VMChoice {
  /** Ids or names. A name that fits several must be said as an id. */
  readonly names: readonly string[];
  /** Regular expression for names, instead of names. */
  readonly match?: string;
}

/** The VMs that were chosen, or all where nothing says which. */
export async function chooseVMs(
  inventory: Inventory,
  choice: VMChoice,
  o: Cancel & { readonly onProblem: (problem: string) => void },
): Promise<readonly VMInfo[]> {
  const { names, match } = choice;
  const all: VMInfo[] = [];
  for await (const vm of listVMs(inventory)(match === undefined ? {} : { name: match }, o)) {
    all.push(vm);
    if (all.length > VM_COUNT_MAX) throw new HyperError('usage/invalid', `There are more than ${VM_COUNT_MAX} VMs here; name a smaller folder`);
  }
  if (all.length === 0) throw new HyperError('vm/not-found', match === undefined ? 'There is no VM here' : `No VM here matches ${match}`);
  return names.length === 0 ? all : [...new Set(names.map((name) => choose(all, name)))];
}

function choose(all: readonly VMInfo[], name: string): VMInfo {
  const byId = all.find((vm) => vm.id === name);
  if (byId) return byId;
  const [found, ...others] = all.filter((vm) => vm.name === name);
  if (!found)
    throw new HyperError(
      'vm/not-found',
      `There is no VM ${name}; there is ${listNearest(
        all.map((vm) => vm.name),
        name,
      )}`,
    );
  if (others.length > 0)
    throw new HyperError(
      'usage/invalid',
      `More than one VM is called ${name}; name it by its id: ${listSome([found, ...others].map((vm) => vm.id))}`,
    );
  return found;
}

const SHOWN_MAX = 8;

function listSome(names: readonly string[]): string {
  const shown = names.slice(0, SHOWN_MAX).join(', ');
  return names.length > SHOWN_MAX ? `${shown} and ${names.length - SHOWN_MAX} more` : shown;
}
