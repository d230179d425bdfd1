// Landlock, as the kernel's "Landlock: unprivileged access control" (userspace-api/landlock) and linux/landlock.h define it. The system calls have one number on all architectures.
import { closeSync, constants, openSync, statSync } from 'node:fs';
import type { SharedLibrary } from '../native/shared-library.ts';
import type { ConfinementRules } from './rules.ts';

const SYS_CREATE_RULESET = 444;
const SYS_ADD_RULE = 445;
const SYS_RESTRICT_SELF = 446;
const ASK_VERSION = 1;
const RULE_PATH_BENEATH = 1;

const Access = { execute: 1, writeFile: 2, readFile: 4, readDir: 8, truncate: 2 ** 14, ioctl: 2 ** 15 } as const;
/** Accesses known since each version of the interface. */
const ACCESS_BITS = [13, 13, 14, 15, 15, 16] as const;
/** What a rule on a file, not a folder, may allow. */
const ON_FILES = Access.execute + Access.writeFile + Access.readFile + Access.truncate + Access.ioctl;
/** Version 4: binding and connecting over TCP. Version 6: abstract sockets and signals to whoever is not confined too. */
const NET_ALL = 3n;
const SCOPE_ALL = 3n;

/** Closes the file system for this thread, and for what it becomes, but for what the rules open. Answers the version of the interface that did; 0 where there is none. */
export function restrictFiles(libc: SharedLibrary, rules: ConfinementRules): number {
  const syscall: (number: number, a: unknown, b: unknown, c: unknown, d: unknown) => number = libc.func(
    'int64_t syscall(int64_t number, void *a, int64_t b, int64_t c, int64_t d)',
  );
  const version = syscall(SYS_CREATE_RULESET, undefined, 0, ASK_VERSION, 0);
  if (version < 1) return 0;
  const known = 2 ** (ACCESS_BITS[Math.min(version, ACCESS_BITS.length - 1)] ?? 13) - 1;
  const attributes = Buffer.alloc(24);
  attributes.writeBigUInt64LE(BigInt(known), 0);
  if (version >= 4) attributes.writeBigUInt64LE(NET_ALL, 8);
  if (version >= 6) attributes.writeBigUInt64LE(SCOPE_ALL, 16);
  const ruleset = syscall(SYS_CREATE_RULESET, attributes, version >= 6 ? 24 : version >= 4 ? 16 : 8, 0, 0);
  if (ruleset < 0) throw new Error('Landlock takes no ruleset.');

  const addRule: (number: number, ruleset: number, type: number, rule: Buffer, flags: number) => number = libc.func(
    'int64_t syscall(int64_t number, int64_t ruleset, int64_t type, void *rule, int64_t flags)',
  );
  const allow = (path: string, access: number): void => {
    const fd = openIfThere(path);
    if (fd === undefined) return;
    const rule = Buffer.alloc(12);
    const allowed = common(access, known);
    rule.writeBigUInt64LE(BigInt(statSync(path).isDirectory() ? allowed : common(allowed, ON_FILES)), 0);
    rule.writeInt32LE(fd, 8);
    const result = addRule(SYS_ADD_RULE, ruleset, RULE_PATH_BENEATH, rule, 0);
    closeSync(fd);
    if (result < 0) throw new Error(`Landlock takes no rule on ${path}.`);
  };
  for (const path of rules.run) allow(path, Access.execute + Access.readFile + Access.readDir);
  for (const path of rules.read) allow(path, Access.readFile);
  for (const path of rules.write) allow(path, known - Access.execute);
  const restrict: (number: number, ruleset: number, flags: number) => number = libc.func(
    'int64_t syscall(int64_t number, int64_t ruleset, int64_t flags)',
  );
  if (restrict(SYS_RESTRICT_SELF, ruleset, 0) < 0) throw new Error('Landlock does not take effect.');
  closeSync(ruleset);
  return version;
}

/** Bits that both have; all of them are below 2^16. */
const common = (a: number, b: number): number => a & b;

/** O_PATH, which Node does not name: a handle on the place, not on the content. */
const O_PATH = 0o10000000;

function openIfThere(path: string): number | undefined {
  try {
    return openSync(path, O_PATH + constants.O_RDONLY);
  } catch {
    return undefined;
  }
}
