import { HyperError, type PowerState, type VMInfo } from '@hypersdk/domain';
import type { Cancel, Inventory } from '@hypersdk/ports';

export const vmOrders = ['name', 'size', 'state'] as const;
export type VMOrder = (typeof vmOrders)[number];

export interface VMQuery {
  /** Regular expression, anywhere in the name, upper and lower case alike. */
  readonly name?: string;
  readonly state?: PowerState;
  /** Bytes that the guest sees, over all disks. */
  readonly minSize?: number;
  /** Absent: in the platform's order, each VM as soon as it is known. */
  readonly sort?: VMOrder;
}

export interface ListOptions extends Cancel {
  /** Told of each VM that the platform shows and that cannot be understood. */
  readonly onProblem?: (problem: string) => void;
}

/** More VMs than the largest single vCenter holds; a longer list can be streamed, not sorted. */
const SORT_COUNT_MAX = 200_000;
/** Patterns run over hostile names: both are kept short. */
const PATTERN_LENGTH_MAX = 256;
const NAME_LENGTH_MAX = 1024;

/** The VMs that match. A stream without `sort`; with it the list is gathered first. `usage/invalid` when the pattern is none. */
export const listVMs =
  (inventory: Inventory) =>
  (query: VMQuery, o: ListOptions): AsyncIterable<VMInfo> => {
    const matches = toMatcher(query);
    return query.sort === undefined ? filter(inventory.list(o), matches) : sorted(filter(inventory.list(o), matches), comparators[query.sort]);
  };

export const virtualSizeOf = (vm: VMInfo): number => vm.disks.reduce((sum, disk) => sum + disk.virtualSize, 0);

type Matcher = (vm: VMInfo) => boolean;

function toMatcher({ name, state, minSize }: VMQuery): Matcher {
  const pattern = name === undefined ? undefined : compile(name);
  return (vm) =>
    (pattern === undefined || pattern.test(vm.name.slice(0, NAME_LENGTH_MAX))) &&
    (state === undefined || vm.powerState === state) &&
    (minSize === undefined || virtualSizeOf(vm) >= minSize);
}

function compile(pattern: string): RegExp {
  if (pattern.length > PATTERN_LENGTH_MAX) throw new HyperError('usage/invalid', `A pattern for names has up to ${PATTERN_LENGTH_MAX} characters.`);
  try {
    return new RegExp(pattern, 'iu');
  } catch (cause) {
    throw new HyperError('usage/invalid', `${pattern} is not a regular expression.`, { cause });
  }
}

async function* filter(vms: AsyncIterable<VMInfo>, matches: Matcher): AsyncGenerator<VMInfo> {
  for await (const vm of vms) if (matches(vm)) yield vm;
}

type Comparator = (a: VMInfo, b: VMInfo) => number;

async function* sorted(vms: AsyncIterable<VMInfo>, compare: Comparator): AsyncGenerator<VMInfo> {
  const all: VMInfo[] = [];
  for await (const vm of vms) {
    all.push(vm);
    if (all.length > SORT_COUNT_MAX)
      throw new HyperError('usage/invalid', `More than ${SORT_COUNT_MAX} VMs match; narrow the search or list them unsorted.`);
  }
  yield* all.sort(compare);
}

/** `vm-2` before `vm-10`; the id decides between equal names, so that the order is the same every time. */
const byName = new Intl.Collator('en', { numeric: true });
const compareNames: Comparator = (a, b) => byName.compare(a.name, b.name) || byName.compare(a.id, b.id);

/** Largest first; running first. */
const STATE_ORDER: Readonly<Record<PowerState, number>> = { running: 0, suspended: 1, stopped: 2, unknown: 3 };
const comparators: Readonly<Record<VMOrder, Comparator>> = {
  name: compareNames,
  size: (a, b) => virtualSizeOf(b) - virtualSizeOf(a) || compareNames(a, b),
  state: (a, b) => STATE_ORDER[a.powerState] - STATE_ORDER[b.powerState] || compareNames(a, b),
};
