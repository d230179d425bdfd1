// A process of its own: copies images all at once, and prints what that cost the process and the thread that asked for it.
//   node measure-engine.ts WORKERS TARGET-FOLDER JOBS.json
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { imageInspector, openTransfer } from '@hypersdk/disk';
import { KIB } from '@hypersdk/domain';
import type { EngineCost, EngineJob } from './engine-job.ts';

const [workers, folder = '', list = ''] = process.argv.slice(2);
const jobs: readonly EngineJob[] = JSON.parse(readFileSync(list, 'utf8'));
const { signal } = new AbortController();

const delay = monitorEventLoopDelay({ resolution: 10 });
const cpu = process.threadCpuUsage();
const start = performance.now();
{
  await using engine = openTransfer({ workers: Number(workers) });
  delay.enable();
  await Promise.all(
    jobs.map(async ({ image, settings }, at) =>
      engine.copy(
        {
          source: { kind: 'image', image },
          sourceMark: await imageInspector.mark(image, { signal }),
          path: join(folder, `copy-${at}`),
          settings,
          digest: 'tree',
          durability: 'sync',
          verifyPercent: 100,
          overwrite: false,
          restart: false,
        },
        { signal, onProgress: () => undefined },
      ),
    ),
  );
  delay.disable();
}
const { user, system } = process.threadCpuUsage(cpu);
const cost: EngineCost = {
  wallMs: performance.now() - start,
  callerCpuMs: (user + system) / 1000,
  delayP99Ms: delay.percentile(99) / 1e6,
  peakBytes: Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) * KIB,
};
process.stdout.write(JSON.stringify(cost));
