import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../..');
const PLANTED = resolve(import.meta.dirname, 'fixtures/violations/rings');

describe('the linter with the configuration of the repository', () => {
  test('reports every planted violation, each by its rule and line, and nothing else', async () => {
    expect(await reported()).toEqual(expected());
  });
});

/** `file:line rule` of every `// expect: rule`. */
function expected(): string[] {
  return modules()
    .flatMap((file) =>
      readFileSync(join(PLANTED, file), 'utf8')
        .split('\n')
        .map((text, index) => ({ found: /\/\/ expect( above)?: (\S+)/.exec(text), file, index }))
        .map(({ found, index }) => ({ place: `${file}:${found?.[1] ? index : index + 1}`, rule: found?.[2] })),
    )
    .flatMap(({ place, rule }) => (rule === undefined ? [] : [`${place} ${rule}`]))
    .sort();
}

const modules = (): string[] =>
  readdirSync(PLANTED, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .sort();

interface Report {
  readonly diagnostics: readonly {
    readonly filename: string;
    readonly code: string;
    readonly labels: readonly { readonly span: { readonly line: number } }[];
  }[];
}

/** Lints the planted tree by the repository's own rules; only the line that leaves planted trees out is taken away. */
async function reported(): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'hypersdk-lint-'));
  try {
    const rules: unknown = JSON.parse(readFileSync(join(ROOT, '.oxlintrc.json'), 'utf8'));
    const config = { ...Object(rules), ignorePatterns: [], jsPlugins: [join(import.meta.dirname, 'layers.mjs')] };
    writeFileSync(join(folder, 'oxlintrc.json'), JSON.stringify(config));
    const said = await run(['--config', join(folder, 'oxlintrc.json'), '--format=json', '--type-aware', PLANTED]);
    const report: Report = JSON.parse(said);
    return report.diagnostics
      .map(({ filename, code, labels }) => `${relative(PLANTED, resolve(ROOT, filename))}:${labels[0]?.span.line ?? 0} ${code}`)
      .sort();
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The linter ends with an error when it finds something: here that is the good case. */
const run = (args: readonly string[]): Promise<string> =>
  new Promise((settle, reject) => {
    execFile(join(ROOT, 'node_modules/.bin/oxlint'), args, { cwd: ROOT, maxBuffer: 16 * 1024 ** 2 }, (error, stdout) => {
      if (stdout === '') reject(error ?? new Error('the linter said nothing'));
      else settle(stdout);
    });
  });
