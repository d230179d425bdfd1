import { parseSync } from 'oxc-parser';

export interface ParsedModule {
  /** Everything this module names: static and dynamic imports, re-exports, and files named by `new URL('./x', import.meta.url)`. */
  readonly imports: readonly { readonly specifier: string; readonly line: number }[];
  readonly functions: readonly ParsedFunction[];
  readonly defaultExportLine?: number;
  /** Lines of statements that are not a re-export by name. */
  readonly ownStatementLines: readonly number[];
  readonly lineCount: number;
  readonly syntaxError?: string;
}

export interface ParsedFunction {
  readonly line: number;
  readonly lineCount: number;
  readonly parameterCount: number;
  readonly isMethod: boolean;
  /** A function that lists tests is as long as the list. */
  readonly listsTests: boolean;
}

interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [field: string]: unknown;
}

const FUNCTIONS = new Set(['FunctionDeclaration', 'FunctionExpression', 'ArrowFunctionExpression']);
const METHOD_OWNERS = new Set(['MethodDefinition', 'Property', 'PropertyDefinition']);
const TEST_LISTS = new Set(['describe', 'test', 'it']);

export function parseModule(file: string, source: string): ParsedModule {
  const lineAt = lineFinder(source);
  const { program, errors } = parseSync(file, source);
  const body: unknown = program.body;
  const statements = Array.isArray(body) ? body.filter(isNode) : [];
  const imports: { specifier: string; line: number }[] = [];
  const functions: ParsedFunction[] = [];
  let defaultExportLine: number | undefined;
  for (const [node, parent] of nodesOf(statements)) {
    const specifier = importedBy(node);
    if (specifier !== undefined) imports.push({ specifier, line: lineAt(node.start) });
    if (FUNCTIONS.has(node.type)) functions.push(toFunction({ node, parent, lineAt }));
    if (node.type === 'ExportDefaultDeclaration') defaultExportLine = lineAt(node.start);
  }
  const syntaxError = errors[0]?.message;
  return {
    imports,
    functions,
    ownStatementLines: statements.filter((statement) => !isReExportByName(statement)).map((statement) => lineAt(statement.start)),
    lineCount: source.split('\n').length - (source.endsWith('\n') ? 1 : 0),
    ...(defaultExportLine === undefined ? {} : { defaultExportLine }),
    ...(syntaxError === undefined ? {} : { syntaxError }),
  };
}

/** Every node below with its parent, without recursion: generated code may be deep. */
function* nodesOf(statements: readonly Node[]): Generator<readonly [Node, Node | undefined]> {
  const open: (readonly [Node, Node | undefined])[] = statements.map((node) => [node, undefined] as const);
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    yield next;
    for (const child of childrenOf(next[0])) open.push([child, next[0]]);
  }
}

function* childrenOf(node: Node): Generator<Node> {
  for (const value of Object.values(node)) {
    for (const item of Array.isArray(value) ? value : [value]) if (isNode(item)) yield item;
  }
}

const isNode = (value: unknown): value is Node => typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string';

/** The module that a node names: an import, a re-export, `import('x')`, `import.meta.resolve('x')` or `new URL('./x', import.meta.url)`. */
function importedBy(node: Node): string | undefined {
  if (node.type === 'ImportDeclaration' || node.type === 'ExportNamedDeclaration' || node.type === 'ExportAllDeclaration')
    return literal(node['source']);
  if (node.type === 'ImportExpression') return literal(node['source']);
  if (node.type === 'TSImportType') return literal(node['source'] ?? node['argument']);
  const first = Array.isArray(node['arguments']) ? literal(node['arguments'][0]) : undefined;
  const named = node['callee'];
  if (node.type !== 'NewExpression' || first === undefined || !isNode(named) || named['name'] !== 'URL') return undefined;
  return /^\.{1,2}\/.*\.(?:ts|mjs|js)$/.test(first) ? first : undefined;
}

const literal = (node: unknown): string | undefined => (isNode(node) && typeof node['value'] === 'string' ? node['value'] : undefined);

const isReExportByName = (statement: Node): boolean => statement.type === 'ExportNamedDeclaration' && isNode(statement['source']);

function toFunction(o: { readonly node: Node; readonly parent: Node | undefined; lineAt(offset: number): number }): ParsedFunction {
  const parameters = Array.isArray(o.node['params']) ? o.node['params'].filter(isNode) : [];
  const line = o.lineAt(o.node.start);
  return {
    line,
    lineCount: o.lineAt(o.node.end) - line + 1,
    parameterCount: parameters.filter((parameter) => parameter['name'] !== 'this').length,
    isMethod: o.parent !== undefined && METHOD_OWNERS.has(o.parent.type),
    listsTests: [...nodesOf([...childrenOf(o.node)])].some(([node]) => node.type === 'CallExpression' && TEST_LISTS.has(rootName(node['callee']))),
  };
}

/** `describe` of `describe.skipIf(x)(…)`. */
function rootName(callee: unknown): string {
  if (!isNode(callee)) return '';
  if (typeof callee['name'] === 'string') return callee['name'];
  return rootName(callee['object'] ?? callee['callee']);
}

function lineFinder(source: string): (offset: number) => number {
  const starts = [0];
  for (let at = source.indexOf('\n'); at >= 0; at = source.indexOf('\n', at + 1)) starts.push(at + 1);
  return (offset) => {
    let low = 0;
    let high = starts.length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if ((starts[middle] ?? 0) <= offset) low = middle;
      else high = middle;
    }
    return low + 1;
  };
}
