/** Calls that carry a path; the marks around each case are calls of their own. */
const LINE = /^\d+\s+(?:<\.\.\. )?(\w+)\(/;
const MARK = /"\/mark\/(begin|end)-(\d+)"/;
const QUOTED = /"((?:[^"\\]|\\.)*)"/g;
/** Network calls carry no path that counts: any of them at all is a stray, but for the lock of the target, which is a name without a file (unix(7), "abstract"). */
const NETWORK = new Set(['socket', 'connect', 'bind', 'sendto', 'sendmsg']);
const LOCK = /socket\(AF_UNIX|bind\(\d+, \{sa_family=AF_UNIX, sun_path=@/;

/** The paths between the marks of each case, from a system-call trace (strace -f). */
export function pathsTouched(trace: string): ReadonlyMap<number, ReadonlySet<string>> {
  const touched = new Map<number, Set<string>>();
  let current: Set<string> | undefined;
  for (const line of trace.split('\n')) {
    const mark = MARK.exec(line);
    if (mark) {
      current = mark[1] === 'begin' ? new Set() : undefined;
      if (current) touched.set(Number(mark[2]), current);
      continue;
    }
    const call = LINE.exec(line)?.[1];
    if (!current || call === undefined) continue;
    if (NETWORK.has(call)) current.add(LOCK.test(line) ? '' : `${call}(…)`);
    // The answer of a call, such as what a link points to, is not touched by it.
    else for (const [, path = ''] of (line.split(') = ')[0] ?? '').matchAll(QUOTED)) current.add(path);
  }
  // Calls on a file that is open already carry an empty path.
  for (const paths of touched.values()) paths.delete('');
  return touched;
}
