// Starts something new in the shape that the house gives it:
//   node tools/scaffold/new.ts provider NAME | format NAME | endpoint NOUN.VERB | adr "Title"
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, symlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { apply, Draft, groundOf } from './change.ts';
import { draftAdr } from './draft-adr.ts';
import { draftEndpoint } from './draft-endpoint.ts';
import { draftFormat } from './draft-format.ts';
import { draftProvider } from './draft-provider.ts';

const root = resolve(import.meta.dirname, '../..');
const kinds = {
  provider: draftProvider,
  format: draftFormat,
  endpoint: draftEndpoint,
  adr: (draft: Draft, title: string) => draftAdr(draft, title, takenNumbers()),
} as const;

const [kind = '', name = '', ...more] = process.argv.slice(2);
const draftKind = Object.entries(kinds).find(([known]) => known === kind)?.[1];
if (draftKind === undefined || name === '' || more.length > 0) {
  process.stderr.write('Say one of: make new provider=NAME, format=NAME, endpoint=NOUN.VERB, adr="Title".\n');
  process.exitCode = 64;
} else {
  const draft = new Draft(groundOf(root));
  try {
    draftKind(draft, name);
    finish(draft);
  } catch (error) {
    // Nothing was written: a draft is applied as a whole or not at all.
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}

function finish(draft: Draft): void {
  apply(root, draft.changes);
  const sources = draft.changes.map(({ path }) => path).filter((path) => path.endsWith('.ts'));
  if (sources.length > 0) spawnSync(join(root, 'node_modules/.bin/oxfmt'), sources, { cwd: root });
  linkContract();
  // A new package or import changes the drawn graph.
  spawnSync(process.execPath, [join(root, 'tools/tidy/tidy.ts'), '--write'], { cwd: root });
  for (const { path } of draft.changes) process.stdout.write(`${path}\n`);
}

/** What npm would do for a new workspace, without asking a registry. */
function linkContract(): void {
  const link = join(root, 'node_modules/@hypersdk/contract');
  if (existsSync(join(root, 'packages/contract')) && !existsSync(link)) symlinkSync('../../packages/contract', link);
}

function takenNumbers(): number[] {
  return readdirSync(join(root, 'docs/adr')).flatMap((file) => (/^\d{4}-/.test(file) ? [Number(file.slice(0, 4))] : []));
}
