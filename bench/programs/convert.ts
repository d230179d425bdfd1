// The product's copy engine as one command, for measuring: node convert.ts SOURCE TARGET --format F [--option value]…
import { enableCompileCache } from 'node:module';
import { parseArgs } from 'node:util';
import type { BlockLocator } from '@hypersdk/ports';

// Threads read the variable, as they do under the program's own launcher.
process.env['NODE_COMPILE_CACHE'] = enableCompileCache().directory;
const { imageInspector, nbdDisks, openTransfer, webImages } = await import('@hypersdk/disk');

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    format: { type: 'string' },
    subformat: { type: 'string' },
    compression: { type: 'string' },
    level: { type: 'string' },
    workers: { type: 'string' },
    digest: { type: 'string', default: 'none' },
    durability: { type: 'string', default: 'none' },
    effort: { type: 'string', default: 'throughput' },
    authority: { type: 'string' },
  },
});
const [source, path] = positionals;
if (source === undefined || path === undefined) throw new Error('Name a source and a target.');

const { signal } = new AbortController();
const { locator, mark } = await locate(source);
await using transfer = openTransfer(values.workers === undefined ? {} : { workers: Number(values.workers) });
await transfer.copy(
  {
    source: locator,
    sourceMark: mark,
    path,
    settings: {
      format: oneOf(['raw', 'qcow2', 'vmdk'], values.format),
      ...(values.subformat === undefined ? {} : { subformat: values.subformat }),
      ...(values.compression === undefined ? {} : { compression: oneOf(['none', 'zlib', 'zstd'], values.compression) }),
      ...(values.level === undefined ? {} : { compressionLevel: Number(values.level) }),
    },
    digest: oneOf(['none', 'tree'], values.digest),
    durability: oneOf(['none', 'sync'], values.durability),
    effort: oneOf(['throughput', 'economy'], values.effort),
    verifyPercent: 1,
    overwrite: true,
    restart: true,
  },
  { signal },
);

async function locate(text: string): Promise<{ readonly locator: BlockLocator; readonly mark: string }> {
  const web = await webImages.locate(text, { signal, ...(values.authority === undefined ? {} : { authorityFile: values.authority }) });
  if (web) return { locator: web, mark: web.mark };
  const remote = nbdDisks.locate(text, { allowsPlaintext: false, pointInTime: 'now' });
  if (remote) return { locator: remote, mark: nbdDisks.mark(remote) };
  const image = await imageInspector.refer(text, { signal, references: 'refuse' });
  return { locator: { kind: 'image', image }, mark: await imageInspector.mark(image, { signal }) };
}

function oneOf<const Choice extends string>(choices: readonly Choice[], value: string | undefined): Choice {
  const choice = choices.find((candidate) => candidate === value);
  if (choice === undefined) throw new Error(`${value} is none of ${choices.join(', ')}.`);
  return choice;
}
