import { registerHooks, type LoadFnOutput } from 'node:module';
import { parseSync, Visitor } from 'oxc-parser';

/** More branches than all that is loaded has. */
const BRANCHES_MAX = 1 << 16;
/** Writers, and what only tests use, are no readers. */
const NO_READER =
  /\.test\.ts$|\/[^/]*(?:writ|sink|layout|plan|encod|build|edit|hostile|arbitrary|cluster-space|refcounts|mapping-tables|offset-table|place-history|stream-reload|tables-ahead)[^/]*\.ts$/;

const GLOBAL = '__branches';

/**
 * Counts branches: every module that is imported from now on raises a counter of its own at each place to which control can go.
 * A counter costs one store, so that code runs optimised and each execution is judged by itself; V8's own coverage is asked for all scripts at once, in milliseconds.
 */
export class Branches {
  /** Of the present execution. Wide enough that no loop comes back to zero. */
  readonly counts = new Uint32Array(BRANCHES_MAX);
  readonly #words = new BigUint64Array(this.counts.buffer);
  /** Orders of magnitude in which a branch was ever counted, as bits. */
  readonly #seen = new Uint8Array(BRANCHES_MAX);
  /** Where each branch is. */
  readonly #places: string[] = [];
  #reached = 0;

  /** Branches there are in what was loaded. */
  get total(): number {
    return this.#places.length;
  }

  /** Places of branches that no execution ever reached. */
  get unreached(): readonly string[] {
    return this.#places.filter((_, at) => this.#seen[at] === 0);
  }

  get reached(): number {
    return this.#reached;
  }

  /** Counts in the sources of this thread whose address matches. Modules that were imported before are not counted. */
  install(sources: RegExp): void {
    Object.assign(globalThis, { [GLOBAL]: this.counts });
    registerHooks({
      load: (url, context, next): LoadFnOutput => {
        const loaded = next(url, context);
        if (!sources.test(url) || NO_READER.test(url) || !loaded.source) return loaded;
        return { ...loaded, source: this.#instrument(url, Buffer.from(loaded.source as Uint8Array).toString()) };
      },
    });
  }

  /** What the last execution reached for the first time, or more often than ever by an order of magnitude; the counters are zero afterwards. */
  take(): 'branch' | 'count' | undefined {
    let news: 'branch' | 'count' | undefined;
    const words = Math.ceil(this.#places.length / 2);
    for (let word = 0; word < words; word += 1) {
      if (this.#words[word] === 0n) continue;
      for (let at = word * 2; at < word * 2 + 2; at += 1) {
        const bit = magnitudeOf(this.counts[at] ?? 0);
        const seen = this.#seen[at] ?? 0;
        if ((seen | bit) === seen) continue;
        if (seen === 0) this.#reached += 1;
        news = seen === 0 ? 'branch' : (news ?? 'count');
        this.#seen[at] = seen | bit;
      }
      this.#words[word] = 0n;
    }
    return news;
  }

  /** The branches of the last execution; the counters are zero afterwards. */
  takeReached(): readonly number[] {
    const reached = Array.from(this.counts.subarray(0, this.#places.length).keys()).filter((at) => (this.counts[at] ?? 0) > 0);
    this.counts.fill(0);
    return reached;
  }

  #instrument(url: string, source: string): string {
    const inserts: { readonly at: number; readonly text: string }[] = [];
    const count = ({ start }: Node): string => {
      this.#places.push(`${url.replace(/.*\/packages\//, 'packages/')}:${source.slice(0, start).split('\n').length}`);
      return `${GLOBAL}[${this.#places.length - 1}]++`;
    };
    const block = (node: Node): void => void inserts.push({ at: node.start + 1, text: `${count(node)};` });
    const statement = (node: Node | null | undefined): void => {
      if (!node) return;
      if (node.type === 'BlockStatement') block(node);
      else inserts.push({ at: node.start, text: `{${count(node)};` }, { at: node.end, text: '}' });
    };
    const expression = (node: Node): void => void inserts.push({ at: node.start, text: `(${count(node)},` }, { at: node.end, text: ')' });
    const body = ({ body: own }: { readonly body?: Node | null }): void => {
      if (own?.type === 'BlockStatement') block(own);
      else if (own?.type === 'FunctionBody') block(own);
    };
    new Visitor({
      FunctionDeclaration: body,
      FunctionExpression: body,
      ArrowFunctionExpression: (node) => (node.expression ? undefined : body(node)),
      IfStatement: (node) => {
        statement(node.consequent);
        // An `else if` is counted by its own branches.
        if (node.alternate?.type !== 'IfStatement') statement(node.alternate);
      },
      ForStatement: ({ body: own }) => statement(own),
      ForOfStatement: ({ body: own }) => statement(own),
      ForInStatement: ({ body: own }) => statement(own),
      WhileStatement: ({ body: own }) => statement(own),
      ConditionalExpression: (node) => [node.consequent, node.alternate].forEach(expression),
      LogicalExpression: ({ right }) => expression(right),
      SwitchCase: ({ consequent: [first] }) => void (first && inserts.push({ at: first.start, text: `${count(first)};` })),
      CatchClause: ({ body: own }) => block(own),
    }).visit(parseSync(url, source, { lang: 'ts', sourceType: 'module' }).program);
    return splice(source, inserts);
  }
}

interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
}

/** At one place, what closes comes before what opens, and the inner bracket of each kind nearest to its code. */
function splice(source: string, inserts: readonly { readonly at: number; readonly text: string }[]): string {
  const order = inserts.map((insert, index) => ({ ...insert, index, closes: /^[)}]$/.test(insert.text) }));
  order.sort((a, b) => a.at - b.at || Number(b.closes) - Number(a.closes) || a.index - b.index);
  let at = 0;
  let text = '';
  for (const insert of order) {
    text += source.slice(at, insert.at) + insert.text;
    at = insert.at;
  }
  return text + source.slice(at);
}

/** 1, 2, 3, up to 7, 15, 31, 127, and more: AFL's steps, in which loops tell new lengths from old ones. */
const magnitudeOf = (count: number): number => MAGNITUDES[Math.min(count, MAGNITUDES.length - 1)] ?? 0;
const MAGNITUDES = Uint8Array.from({ length: 256 }, (_, count) => {
  const steps = [1, 2, 3, 4, 8, 16, 32, 128];
  const step = steps.findLastIndex((least) => count >= least);
  return step < 0 ? 0 : 2 ** step;
});
