import type { VMMetrics } from '@hypersdk/domain';
import { type ArrangeProvider, calm, type Mutant } from '@hypersdk/testkit';
import { facetMutant } from './build-memory-platform.ts';

const metricsMutant = facetMutant('metrics');

const EVERY = 'the figures are of every VM, each once, in the state that the inventory tells';
const STOPPED = 'a stopped VM has no processors at work, and its disks their sizes';
const RUNNING = 'a running VM has its memory in bytes, and each of its processors';
const GROW = 'counters of a running VM only grow, and so does the clock';
const READ = 'what a guest reads from its disk is counted in bytes and requests';

const figuresMutant = (flaw: string, breaks: string, change: (figures: VMMetrics) => VMMetrics): Mutant<ArrangeProvider> =>
  metricsMutant(flaw, breaks, (metrics) => ({
    async *sample(o) {
      for await (const figures of metrics.sample(o)) yield change(figures);
    },
  }));

let falling = 1_000_000_000_000n;

/** Wrong ways to measure VMs, each with the check that has to find it. */
export const metricsMutants: readonly Mutant<ArrangeProvider>[] = [
  metricsMutant('leaves out who is stopped', EVERY, (metrics) => ({
    async *sample(o) {
      for await (const figures of metrics.sample(o)) if (figures.powerState === 'running') yield figures;
    },
  })),
  figuresMutant('takes everybody for running', EVERY, (figures) => ({ ...figures, powerState: 'running' })),
  figuresMutant('has stopped VMs work', STOPPED, (figures) => ({ ...figures, cpu: { timeNsTotal: 1n } })),
  figuresMutant('names disks by their number', STOPPED, ({ disks, ...figures }) => ({
    ...figures,
    disks: disks.map(({ virtualSize: _, ...disk }) => disk),
  })),
  figuresMutant('gives memory in KiB', RUNNING, ({ memory, ...figures }) => ({
    ...figures,
    ...(memory ? { memory: { maximumSize: memory.maximumSize / 1024 } } : {}),
  })),
  figuresMutant('counts processors from one', RUNNING, ({ vcpus, ...figures }) => ({
    ...figures,
    vcpus: vcpus.map(({ index, ...vcpu }) => ({ ...vcpu, index: index + 1 })),
  })),
  figuresMutant('gives rates for counters', GROW, ({ cpu, ...figures }) => ({
    ...figures,
    ...(cpu ? { cpu: { timeNsTotal: (falling -= 1n) } } : {}),
  })),
  figuresMutant('has a clock that stands still', GROW, (figures) => ({ ...figures, takenAtMs: 7 })),
  figuresMutant('counts sectors for bytes', READ, ({ disks, ...figures }) => ({
    ...figures,
    disks: disks.map((disk) => ({ ...disk, ...(disk.read ? { read: { ...disk.read, bytesTotal: disk.read.bytesTotal / 512n } } : {}) })),
  })),
  metricsMutant(
    'tells of everybody whoever was asked for',
    'only those that are asked about are told of, and who is not there is left out',
    (metrics) => ({
      sample: ({ signal }) => metrics.sample({ signal }),
    }),
  ),
  metricsMutant('samples although it was cancelled', 'a cancelled sample rejects with the reason', (metrics) => ({
    sample: (o) => metrics.sample({ ...o, ...calm }),
  })),
];
