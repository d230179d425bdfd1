import { posix } from 'node:path';
import type { Finding } from '../finding.ts';
import type { ParsedFunction } from '../parse-module.ts';
import type { SourceTree } from '../source-tree.ts';

// The house rules of ARCHITECTURE.md that a reader feels: small files, small functions, names that say what is inside.
const FILE_LINES_MAX = 400;
const FUNCTION_LINES_MAX = 70;
const PARAMETERS_MAX = 3;
/** A method's signature is its interface's to choose; hot interfaces over buffers take one more instead of allocating an object a call. */
const METHOD_PARAMETERS_MAX = 4;
/** Configuration that its reader imports as the default, and the lint plugin. */
const DEFAULT_EXPORT_ALLOWED = /(?:^|\/)(?:vitest\.config\.ts|layers\.mjs)$/;
const KEBAB = /^\.?[a-z0-9]+(?:[.-][a-z0-9]+)*$/;
/** `data` is not among them: extents have a kind of that name. */
const EMPTY_WORDS = new Set(['info', 'manager', 'helper', 'helpers', 'util', 'utils', 'misc']);

export function* checkShape(tree: SourceTree): Generator<Finding> {
  for (const [file, module] of tree.modules) {
    if (module.syntaxError !== undefined) yield { file, rule: 'syntax', message: module.syntaxError };
    if (module.lineCount > FILE_LINES_MAX) yield { file, rule: 'file-length', message: `${module.lineCount} lines; at most ${FILE_LINES_MAX}` };
    yield* checkFunctions(file, module.functions);
    yield* checkExports(file, module);
    yield* checkName(file);
  }
}

function* checkFunctions(file: string, functions: readonly ParsedFunction[]): Generator<Finding> {
  for (const one of functions) {
    const limit = one.isMethod ? METHOD_PARAMETERS_MAX : PARAMETERS_MAX;
    if (one.lineCount > FUNCTION_LINES_MAX && !one.listsTests) {
      yield { file, line: one.line, rule: 'function-length', message: `a function of ${one.lineCount} lines; at most ${FUNCTION_LINES_MAX}` };
    }
    if (one.parameterCount > limit)
      yield { file, line: one.line, rule: 'parameters', message: `${one.parameterCount} parameters; more than ${limit} go in one object` };
  }
}

function* checkExports(
  file: string,
  module: { readonly defaultExportLine?: number; readonly ownStatementLines: readonly number[] },
): Generator<Finding> {
  if (module.defaultExportLine !== undefined && !DEFAULT_EXPORT_ALLOWED.test(file)) {
    yield { file, line: module.defaultExportLine, rule: 'default-export', message: 'exports are named' };
  }
  const [line] = module.ownStatementLines;
  if (posix.basename(file) === 'index.ts' && line !== undefined)
    yield { file, line, rule: 'index-re-exports', message: 'index.ts only re-exports, by name' };
}

function* checkName(file: string): Generator<Finding> {
  const name = posix.basename(file);
  const words = name.replace(/\.[^.]+$/, '').split(/[.-]/);
  if (!KEBAB.test(name)) yield { file, rule: 'kebab-case', message: 'file names are in kebab-case' };
  // The domain's own types: VMInfo, DiskInfo, ImageInfo.
  const empty = /^(?:vm|disk|image)-info\b/.test(name) ? undefined : words.find((word) => EMPTY_WORDS.has(word));
  if (empty !== undefined) yield { file, rule: 'empty-name', message: `"${empty}" in a name says nothing about what is inside` };
}
