import type { Draft } from './change.ts';
import { toNames, type Names } from './names.ts';

/** A provider that parses its configuration and says that the rest is to be written; kind and registry know it. */
export function draftProvider(draft: Draft, name: string): void {
  const names = toNames(name);
  const folder = `packages/providers/src/${names.kebab}`;
  if (draft.exists(folder)) throw new Error(`${folder} is there already.`);
  draft.write(`${folder}/index.ts`, `export { ${names.camel}Provider } from './${names.kebab}-provider.ts';\n`);
  draft.write(`${folder}/${names.kebab}-config.ts`, config(names));
  draft.write(`${folder}/${names.kebab}-inventory.ts`, inventory(names));
  draft.write(`${folder}/${names.kebab}-provider.ts`, provider(names));
  draft.write(`${folder}/${names.kebab}-provider.test.ts`, test(names));
  draft.write(`${folder}/README.md`, readme(names));
  draft.write(`changelog/unreleased/provider-${names.kebab}.md`, `VMs on ${names.pascal} can be listed.\n`);
  draft.insert('packages/domain/src/provider-kind.ts', /\] as const/, `, '${names.kebab}'`);
  draft.insert('packages/providers/src/registry.ts', /\n\/\*\*/, `import { ${names.camel}Provider } from './${names.kebab}/index.ts';\n`);
  draft.insert('packages/providers/src/registry.ts', /\} as const satisfies Registry/, `  '${names.kebab}': ${names.camel}Provider,\n`);
}

const config = ({ pascal }: Names): string => `import { HyperError } from '@hypersdk/domain';

/** How a platform of this kind is reached. */
export interface ${pascal}Config {
  /** Names the connection in inventories. */
  readonly connection: string;
  readonly address: string;
}

export const parse${pascal}Config = (config: unknown): ${pascal}Config => ({
  connection: textOf(config, 'connection'),
  address: textOf(config, 'address'),
});

function textOf(config: unknown, field: string): string {
  const value: unknown = typeof config === 'object' && config !== null ? Reflect.get(config, field) : undefined;
  if (typeof value === 'string' && value !== '') return value;
  throw new HyperError('usage/invalid', \`The configuration needs a text in "\${field}".\`, { detail: { field } });
}
`;

const inventory = ({ kebab, pascal }: Names): string => `import { HyperError, type VMInfo } from '@hypersdk/domain';
import type { Inventory } from '@hypersdk/ports';
import type { ${pascal}Config } from './${kebab}-config.ts';

export class ${pascal}Inventory implements Inventory {
  readonly #config: ${pascal}Config;

  constructor(config: ${pascal}Config) {
    this.#config = config;
  }

  list(): AsyncIterable<VMInfo> {
    throw this.#unwritten();
  }

  get(): Promise<VMInfo> {
    return Promise.reject(this.#unwritten());
  }

  #unwritten(): HyperError {
    return new HyperError('internal/unexpected', \`The inventory of \${this.#config.address} cannot be read yet.\`);
  }
}
`;

const provider = ({ kebab, camel, pascal }: Names): string => `import type { ProviderModule } from '@hypersdk/ports';
import { parse${pascal}Config, type ${pascal}Config } from './${kebab}-config.ts';
import { ${pascal}Inventory } from './${kebab}-inventory.ts';

export const ${camel}Provider = {
  kind: '${kebab}',
  parse: parse${pascal}Config,
  async open(config: ${pascal}Config, { signal }) {
    signal.throwIfAborted();
    return {
      facets: { inventory: new ${pascal}Inventory(config) },
      [Symbol.asyncDispose]: async () => {},
    };
  },
} as const satisfies ProviderModule<${pascal}Config>;
`;

const test = ({ kebab, camel }: Names): string => `import { describe, expect, test } from 'vitest';
import { ${camel}Provider } from './${kebab}-provider.ts';

describe('the ${kebab} provider', () => {
  test('takes a configuration that names its connection and address', () => {
    const config = { connection: 'lab', address: 'lab.example' };
    expect(${camel}Provider.parse(config)).toEqual(config);
  });

  test.for([undefined, 'lab', {}, { connection: 'lab' }, { connection: 'lab', address: '' }, { connection: 1, address: 'lab.example' }])(
    'refuses %j',
    (config) => {
      expect(() => ${camel}Provider.parse(config)).toThrow(expect.objectContaining({ code: 'usage/invalid' }));
    },
  );

  test.todo('keeps the provider contract');
});
`;

const readme = ({ kebab, pascal }: Names): string => `# The ${kebab} provider

What ${pascal} is, and which of its interfaces is spoken.

Configuration: \`connection\` (its name) and \`address\`.

What it does: nothing yet. The next steps are in [the checklist](../../../../docs/guides/adding-a-provider.md).
`;
