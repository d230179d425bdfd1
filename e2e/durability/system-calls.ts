import { readFileSync } from 'node:fs';

/** One system call of a trace: who, what, on which file, with what result. */
export interface SystemCall {
  readonly name: string;
  /** Everything between the brackets. */
  readonly text: string;
  /** Path of the descriptor that it was called on, as strace -y tells it; for calls by name all names, in order. */
  readonly paths: readonly string[];
  readonly failed: boolean;
  /** Lines of the trace: what began after another had ended did so for certain. */
  readonly begunAt: number;
  readonly endedAt: number;
}

const TRACED = 'pwrite64,pwritev,pread64,fdatasync,fsync,ftruncate,rename,renameat,renameat2,link,linkat,unlink,unlinkat,rmdir';

/** Arguments of strace that write such a trace to `file`. */
export const traceTo = (file: string): readonly string[] => ['strace', '-f', '-y', '-s', '4096', '-qq', '-e', `trace=${TRACED}`, '-o', file];

const WHOLE = /^(\d+) +(\w+)\((.*)\) += (-?\d+|\?)/;
const BEGUN = /^(\d+) +(\w+)\((.*) <unfinished \.\.\.>$/;
const RESUMED = /^(\d+) +<\.\.\. (\w+) resumed>(.*)\) += (-?\d+|\?)/;

/** The calls in the order in which they were finished: only then is their effect certain. */
export function readTrace(file: string): readonly SystemCall[] {
  const begun = new Map<string, { readonly text: string; readonly begunAt: number }>();
  const calls: SystemCall[] = [];
  for (const [at, line] of readFileSync(file, 'utf8').split('\n').entries()) {
    const [, thread = '', name = '', start = ''] = BEGUN.exec(line) ?? [];
    if (thread !== '') begun.set(`${thread} ${name}`, { text: start, begunAt: at });
    const [, whole, wholeName = '', text = '', result = ''] = WHOLE.exec(line) ?? [];
    if (whole !== undefined) calls.push(toCall(wholeName, text, { result, begunAt: at, endedAt: at }));
    const [, resumed, resumedName = '', rest = '', end = ''] = RESUMED.exec(line) ?? [];
    const first = begun.get(`${resumed} ${resumedName}`);
    if (first) calls.push(toCall(resumedName, `${first.text}${rest}`, { result: end, begunAt: first.begunAt, endedAt: at }));
  }
  return calls;
}

function toCall(name: string, text: string, o: { readonly result: string; readonly begunAt: number; readonly endedAt: number }): SystemCall {
  const descriptor = /^\d+<([^>]+)>/.exec(text)?.[1];
  const paths = descriptor === undefined ? [...text.matchAll(/"([^"]*)"/g)].map((match) => match[1] ?? '') : [descriptor];
  return { name, text, paths, failed: o.result.startsWith('-'), begunAt: o.begunAt, endedAt: o.endedAt };
}
