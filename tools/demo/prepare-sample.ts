import { mkdir, stat } from 'node:fs/promises';
import { formatBytes } from '@hypersdk/domain';
import type { Cancel } from '@hypersdk/ports';
import type { Options } from './options.ts';
import { CHECKOUT } from './run-hyperexport.ts';
import { isComplete, makeSample, SAMPLE_NAME, sampleIn } from './sample-vm.ts';
import { faint, heading, shownPath, write } from './screen.ts';

/** Makes the sample VM unless it is there; answers whether it was made. */
export async function prepareSample({ folder, size }: Options, { signal }: Cancel): Promise<boolean> {
  const sample = sampleIn(folder);
  heading('1', 'A virtual machine to work on');
  if (await isComplete(sample)) {
    const { size: fileSize } = await stat(sample.disk);
    write(`   ${SAMPLE_NAME} is there already: ${formatBytes(fileSize)}\n   ${shownPath(sample.disk)}\n`);
    return false;
  }
  const startedAt = performance.now();
  await mkdir(folder, { recursive: true });
  using progress = showProgress();
  const content = await makeSample(folder, { checkout: CHECKOUT, size, signal, onProgress: progress.show });
  progress.clear();
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  write(`   ${SAMPLE_NAME}, as VMware keeps it: a VMX file and a sparse VMDK of ${formatBytes(size)}. On its FAT32 partition lie\n`);
  write(`   ${content.fileCount} files of this checkout, ${formatBytes(content.size)} in all: sources, Node, packages. ${faint(`${seconds} s`)}\n`);
  write(`   ${shownPath(sample.disk)}\n`);
  return true;
}

const ERASE_LINE = '\r\u001B[K';

/** A percentage that is redrawn in place, where the terminal can do that. */
function showProgress(): Disposable & { show(share: number): void; clear(): void } {
  const canRedraw = process.stdout.isTTY === true && process.env['TERM'] !== 'dumb';
  let shown = -1;
  const clear = (): void => {
    if (canRedraw && shown >= 0) write(ERASE_LINE);
    shown = -1;
  };
  return {
    show: (share) => {
      const percent = Math.floor(share * 100);
      if (!canRedraw || percent === shown) return;
      shown = percent;
      write(`${ERASE_LINE}   writing its disk ${percent}%`);
    },
    clear,
    [Symbol.dispose]: clear,
  };
}
