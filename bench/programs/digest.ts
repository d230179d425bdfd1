// The root of a disk's hash tree by the product's engine, for measuring: node digest.ts IMAGE
import { enableCompileCache } from 'node:module';

// Threads read the variable, as they do under the program's own launcher.
process.env['NODE_COMPILE_CACHE'] = enableCompileCache().directory;
const { imageInspector, openTransfer } = await import('@hypersdk/disk');

const { signal } = new AbortController();
const image = await imageInspector.refer(process.argv[2] ?? '', { signal, references: 'refuse' });
await using transfer = openTransfer();
const { root } = await transfer.digest({ kind: 'image', image }, { signal });
console.log(root);
