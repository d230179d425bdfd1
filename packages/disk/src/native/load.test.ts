import { execFileSync } from 'node:child_process';
import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { nativeCodecs, nativeFs } from './load.ts';

const load = new URL('load.ts', import.meta.url).href;

test('the parts are found once for a thread', () => {
  expect(nativeCodecs()).toBe(nativeCodecs());
  expect(nativeFs()).toBe(nativeFs());
});

test('HYPERSDK_NATIVE=off keeps to what Node brings along', () => {
  const script = `const { nativeCodecs, nativeFs } = await import('${load}'); console.log(nativeCodecs().name, JSON.stringify(Object.keys(nativeFs())));`;
  const output = execFileSync(process.execPath, ['--input-type=module', '-e', script], {
    env: { ...process.env, HYPERSDK_NATIVE: 'off' },
    encoding: 'utf8',
  });
  expect(output.trim()).toBe('node:zlib ["name"]');
});

test('several threads compress at the same time, each with its own contexts, and end in any order', async () => {
  const lengths = await Promise.all(Array.from({ length: 4 }, () => compressedLengthsOnThread()));
  expect(new Set(lengths).size).toBe(1);
});

function compressedLengthsOnThread(): Promise<string> {
  const script = `
    const { parentPort } = require('node:worker_threads');
    import('${load}').then(({ nativeCodecs }) => {
      const lengths = [];
      const unit = Buffer.alloc(65536, 'A line of text that repeats. ');
      const into = new Uint8Array(80000);
      for (const codec of ['deflate-4k', 'zlib', 'zstd']) {
        const compressor = nativeCodecs().compressor(codec, 3);
        const decompressor = nativeCodecs().decompressor(codec);
        for (let round = 0; round < 200; round += 1) {
          const length = compressor.compress(unit, into, 0);
          const back = new Uint8Array(unit.length);
          decompressor.decompress(into.subarray(0, length), back);
          if (Buffer.compare(back, unit) !== 0) throw new Error(codec + ' came back changed');
          if (round === 0) lengths.push(length);
        }
        compressor[Symbol.dispose]();
        decompressor[Symbol.dispose]();
      }
      parentPort.postMessage(lengths.join());
    });`;
  return new Promise((resolve, reject) => {
    const worker = new Worker(script, { eval: true });
    worker.once('message', resolve);
    worker.once('error', reject);
    worker.once('exit', () => reject(new Error('The thread ended without an answer.')));
  });
}
