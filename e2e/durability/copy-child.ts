// One copy in a process of its own, so that it can be killed, traced, starved of space and lied to. Reports by JSON lines.
import { Socket } from 'node:net';
import { imageInspector, openTransfer } from '@hypersdk/disk';
import { HyperError } from '@hypersdk/domain';
import { bytesReadBy } from './process-io.ts';
import type { ChildOrder, ChildReport } from './running-copy.ts';

const report = (line: ChildReport): boolean => process.stdout.write(`${JSON.stringify(line)}\n`);

// Its standard input ends with whoever started it, even one that was killed: nobody is left behind.
const life = new Socket({ fd: 0 });
life.once('close', () => process.kill(process.pid, 'SIGKILL')).resume();
life.unref();

const { workers, sourceMark, ...request }: ChildOrder = JSON.parse(process.argv[2] ?? '');
const { signal } = new AbortController();
try {
  const mark = sourceMark ?? (await imageInspector.mark(request.source.image, { signal }));
  report({ type: 'mark', mark });
  await using transfer = openTransfer({ workers });
  const outcome = await transfer.copy({ ...request, sourceMark: mark }, { signal, onProgress: (progress) => report({ type: 'progress', progress }) });
  report({ type: 'outcome', outcome, bytesRead: bytesReadBy('self') });
} catch (error) {
  const code = error instanceof HyperError ? error.code : 'unforeseen';
  report({ type: 'error', code, message: error instanceof Error ? error.message : String(error) });
  process.exitCode = 1;
}
