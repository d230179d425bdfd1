import type { Draft } from './change.ts';
import { toNames } from './names.ts';

const PACKAGE = 'packages/contract';

/** An operation as data, in the file of its noun: `export.cancel` → `cancelExport`. The contract package is made on first use. */
export function draftEndpoint(draft: Draft, name: string): void {
  const [nounText = '', verbText = '', ...more] = name.split('.');
  if (more.length > 0 || verbText === '') throw new Error(`"${name}" is not NOUN.VERB, such as "export.cancel".`);
  const noun = toNames(nounText);
  const verb = toNames(verbText);
  const symbol = `${verb.camel}${noun.pascal}`;
  if (!draft.exists(`${PACKAGE}/package.json`)) draftPackage(draft);
  const file = `${PACKAGE}/src/${noun.kebab}.ts`;
  const index = `${PACKAGE}/src/index.ts`;
  if (draft.exists(file) && draft.read(file).includes(`const ${symbol} `)) throw new Error(`${file} has ${symbol} already.`);
  const before = draft.exists(file) ? draft.read(file) : `import { z } from 'zod';\nimport { operation } from './operation.ts';\n`;
  draft.write(file, `${before}\n${entry({ noun: noun.kebab, verb: verb.kebab, symbol })}`);
  draft.write(index, `${draft.read(index)}export { ${symbol} } from './${noun.kebab}.ts';\n`);
  draft.write(`${PACKAGE}/src/${noun.kebab}-${verb.kebab}.test.ts`, entryTest({ noun: noun.kebab, symbol }));
}

interface Entry {
  readonly noun: string;
  readonly symbol: string;
}

const entry = ({ noun, verb, symbol }: Entry & { readonly verb: string }): string => `export const ${symbol} = operation({
  method: 'POST',
  path: '/${noun}s/{id}/${verb}',
  summary: '${verb.charAt(0).toUpperCase()}${verb.slice(1)} one ${noun}',
  input: z.object({ id: z.string().max(64).describe('id of the ${noun}') }),
  output: { 204: z.void() },
  errors: ['usage/invalid'],
  permission: '${noun}.${verb}',
  scopes: ['${noun}'],
  audit: '${noun}.${verb}-requested',
  rate: 'normal',
  idempotencyKey: 'optional',
  cli: { command: '${noun} ${verb}', examples: ['hyperctl ${noun} ${verb} ID'] },
});
`;

const entryTest = ({ noun, symbol }: Entry): string => `import { expect, test } from 'vitest';
import { ${symbol} } from './${noun}.ts';

test('takes the id of one ${noun} and refuses anything else', () => {
  expect(${symbol}.input.safeParse({ id: 'one' }).success).toBe(true);
  expect(${symbol}.input.safeParse({ id: 'x'.repeat(65) }).success).toBe(false);
  expect(${symbol}.input.safeParse({}).success).toBe(false);
});
`;

/** The package, its entry in the lockfile, and the one function that types an operation. */
function draftPackage(draft: Draft): void {
  const zod = /"zod": "([^"]+)"/.exec(draft.read('packages/usecases/package.json'))?.[1] ?? '';
  const manifest = { name: '@hypersdk/contract', version: '0.1.0', private: true, license: 'Apache-2.0', type: 'module' };
  const dependencies = { '@hypersdk/domain': '0.1.0', zod };
  draft.write(`${PACKAGE}/package.json`, `${JSON.stringify({ ...manifest, exports: { '.': './src/index.ts' }, dependencies }, undefined, 2)}\n`);
  draft.write(`${PACKAGE}/src/index.ts`, `export { operation } from './operation.ts';\nexport type { Operation } from './operation.ts';\n`);
  draft.write(`${PACKAGE}/src/operation.ts`, OPERATION);
  const lockfile: { readonly packages: Readonly<Record<string, unknown>> } = JSON.parse(draft.read('package-lock.json'));
  const packages = {
    ...lockfile.packages,
    'node_modules/@hypersdk/contract': { resolved: PACKAGE, link: true },
    [PACKAGE]: { name: manifest.name, version: manifest.version, license: manifest.license, dependencies },
  };
  const sorted = Object.fromEntries(Object.entries(packages).sort(([a], [b]) => (a < b ? -1 : 1)));
  draft.write('package-lock.json', `${JSON.stringify({ ...lockfile, packages: sorted }, undefined, 2)}\n`);
}

const OPERATION = `import type { ErrorCode } from '@hypersdk/domain';
import type { z } from 'zod';

/** Everything that the API, the command line, the policy, the audit and the documents know about an operation. There are no defaults: each is a choice. */
export interface Operation {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: \`/\${string}\`;
  /** The path that older clients use for the same operation. */
  readonly legacy?: \`/\${string}\`;
  readonly summary: string;
  readonly input: z.ZodType;
  /** What is answered, by status. */
  readonly output: Readonly<Partial<Record<200 | 201 | 202 | 204, z.ZodType>>>;
  readonly errors: readonly ErrorCode[];
  readonly permission: \`\${string}.\${string}\`;
  /** What the permission is checked against. */
  readonly scopes: readonly string[];
  readonly audit: \`\${string}.\${string}\`;
  readonly rate: 'cheap' | 'normal' | 'expensive';
  readonly idempotencyKey: 'none' | 'optional' | 'required';
  readonly cli: { readonly command: string; readonly examples: readonly string[] };
}

/** Keeps the exact types of an entry, so that clients and handlers are typed by it. */
export const operation = <const O extends Operation>(entry: O): O => entry;
`;
