/** What is read of a package-lock.json, version 3. */
export interface Lockfile {
  readonly packages: Readonly<Record<string, LockEntry>>;
}
interface LockEntry {
  readonly version?: string;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly optional?: boolean;
  readonly dev?: boolean;
  readonly peer?: boolean;
  readonly os?: readonly string[];
  readonly cpu?: readonly string[];
  readonly libc?: readonly string[];
}

/**
 * Optional packages that others name and the lockfile lacks. npm leaves those out that a registry did not offer on the day,
 * and `npm ci` then calls the lockfile out of sync; with an entry, it skips what is for other machines and installs the rest.
 */
export function missingEntries(lockfile: Lockfile): Record<string, LockEntry> {
  const found: Record<string, LockEntry> = {};
  for (const [path, entry] of Object.entries(lockfile.packages)) {
    for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
      const place = placesOf(name, path).find((candidate) => candidate in lockfile.packages);
      // A range may be met by any version; an exact one only by itself, however near another lies.
      if (!/^\d/.test(version) || (place !== undefined && lockfile.packages[place]?.version === version)) continue;
      const beside = path.slice(0, path.lastIndexOf('node_modules/'));
      found[`${beside}node_modules/${name}`] = { version, ...(entry.dev ? { dev: true } : {}), optional: true, ...platformOf(name) };
    }
  }
  return found;
}

/** Where Node would look for a package that the one at `path` asks for, nearest first. */
function placesOf(name: string, path: string): string[] {
  const places = [`node_modules/${name}`];
  for (let at = path.indexOf('node_modules/'); at >= 0; at = path.indexOf('node_modules/', at + 1)) {
    const next = path.indexOf('/node_modules/', at);
    places.unshift(`${next < 0 ? path : path.slice(0, next)}/node_modules/${name}`);
  }
  return places;
}

const SYSTEMS = ['aix', 'android', 'darwin', 'freebsd', 'linux', 'netbsd', 'openbsd', 'openharmony', 'sunos', 'win32'];
const PROCESSORS = ['arm64', 'arm', 'ia32', 'loong64', 'mips64el', 'ppc64', 'riscv64', 's390x', 'wasm32', 'x64'];

/** Native packages carry their machine in the name: `binding-linux-x64-musl`, `darwin-arm64`, `binding-win32-x64-msvc`. */
function platformOf(name: string): Pick<LockEntry, 'os' | 'cpu' | 'libc'> {
  const words = name.split(/[/-]/);
  const os = words.filter((word) => SYSTEMS.includes(word));
  const cpu = words.filter((word) => PROCESSORS.includes(word));
  const last = words.at(-1) ?? '';
  const libc = last.startsWith('gnu') ? ['glibc'] : last.startsWith('musl') ? ['musl'] : [];
  return { ...(cpu.length > 0 ? { cpu } : {}), ...(libc.length > 0 ? { libc } : {}), ...(os.length > 0 ? { os } : {}) };
}
