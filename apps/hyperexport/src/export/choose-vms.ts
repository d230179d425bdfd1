import { HyperError, type VMInfo } from '@hypersdk/domain';
import type { Cancel, Inventory } from '@hypersdk/ports';

// A folder with more machines than this is a mistake in the path, and a list of them would help nobody.
const VM_COUNT_MAX = 100_000;

/** The VMs named by id or name, or all when none is named. A name that fits several must be said as an id. */
export async function chooseVMs(
  inventory: Inventory,
  wanted: readonly string[],
  o: Cancel & { readonly onProblem: (problem: string) => void },
): Promise<readonly VMInfo[]> {
  const all: VMInfo[] = [];
  for await (const vm of inventory.list(o)) {
    all.push(vm);
    if (all.length > VM_COUNT_MAX) throw new HyperError('usage/invalid', `There are more than ${VM_COUNT_MAX} VMs here; name a smaller folder`);
  }
  if (all.length === 0) throw new HyperError('vm/not-found', 'There is no VM here');
  return wanted.length === 0 ? all : [...new Set(wanted.map((name) => choose(all, name)))];
}

function choose(all: readonly VMInfo[], name: string): VMInfo {
  const byId = all.find((vm) => vm.id === name);
  if (byId) return byId;
  const [found, ...others] = all.filter((vm) => vm.name === name);
  if (!found) throw new HyperError('vm/not-found', `There is no VM ${name}; there is ${listSome(all.map((vm) => vm.name))}`);
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
