// seccomp(2) and linux/filter.h: a program for the machine that classic BPF is.
import type { Koffi, SharedLibrary } from '../native/shared-library.ts';

const PR_SET_SECCOMP = 22;
const PR_SET_NO_NEW_PRIVS = 38;
const SECCOMP_MODE_FILTER = 2;

const Op = { load: 0x20, jumpEqual: 0x15, jumpAtLeast: 0x35, answer: 0x06 } as const;
/** Places in `struct seccomp_data`. */
const Place = { number: 0, architecture: 4, firstArgument: 16 } as const;
const Answer = { allow: 0x7fff0000, notPermitted: 0x00050001, kill: 0x80000000 } as const;

const AF_UNIX = 1;
/** Numbers from here on are those of x32, another way to the same calls. */
const X32_BIT = 0x40000000;

interface Architecture {
  readonly audit: number;
  readonly socket: number;
  /** io_uring_setup (opens sockets without `socket`), ptrace, process_vm_readv, process_vm_writev. */
  readonly denied: readonly number[];
}

const ARCHITECTURES: Readonly<Record<string, Architecture>> = {
  x64: { audit: 0xc000003e, socket: 41, denied: [425, 101, 310, 311] },
  arm64: { audit: 0xc00000b7, socket: 198, denied: [425, 117, 270, 271] },
};

/** For this thread, and for what it becomes: no socket but those of files, and no look into other processes. Cannot be undone. */
export function denyNetwork(koffi: Koffi, libc: SharedLibrary): void {
  const here = ARCHITECTURES[process.arch];
  if (!here) throw new Error(`There is no filter for ${process.arch}.`);
  const program = toProgram(here);
  const set: (option: number, a: number, b: number, c: number, d: number) => number = libc.func(
    'int prctl(int option, int64_t a, int64_t b, int64_t c, int64_t d)',
  );
  if (set(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) !== 0) throw new Error('New privileges cannot be given up.');
  const Program = koffi.struct({ length: 'uint16_t', filter: 'void *' });
  const filter: (option: number, mode: number, program: { readonly length: number; readonly filter: Buffer }) => number = libc.func('prctl', 'int', [
    'int',
    'int64_t',
    koffi.pointer(Program),
  ]);
  if (filter(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, { length: program.length / 8, filter: program }) !== 0)
    throw new Error('The filter of system calls does not take effect.');
}

interface Instruction {
  readonly op: number;
  readonly value: number;
  /** Instructions to skip when the comparison holds, and when not. */
  readonly skipIf?: number;
  readonly skipUnless?: number;
}

function toProgram({ audit, socket, denied }: Architecture): Buffer {
  // Behind the last comparison: allow, not permitted, kill.
  const calls = [...denied, socket];
  const instructions: Instruction[] = [
    { op: Op.load, value: Place.architecture },
    { op: Op.jumpEqual, value: audit, skipIf: 1 },
    { op: Op.answer, value: Answer.kill },
    { op: Op.load, value: Place.number },
    { op: Op.jumpAtLeast, value: X32_BIT, skipIf: calls.length + 3 },
    ...denied.map((value, at): Instruction => ({ op: Op.jumpEqual, value, skipIf: calls.length - at + 2 })),
    { op: Op.jumpEqual, value: socket, skipUnless: 2 },
    { op: Op.load, value: Place.firstArgument },
    { op: Op.jumpEqual, value: AF_UNIX, skipUnless: 1 },
    { op: Op.answer, value: Answer.allow },
    { op: Op.answer, value: Answer.notPermitted },
  ];
  const bytes = Buffer.alloc(8 * instructions.length);
  for (const [index, { op, value, skipIf = 0, skipUnless = 0 }] of instructions.entries()) {
    bytes.writeUInt16LE(op, 8 * index);
    bytes.writeUInt8(skipIf, 8 * index + 2);
    bytes.writeUInt8(skipUnless, 8 * index + 3);
    bytes.writeUInt32LE(value, 8 * index + 4);
  }
  return bytes;
}
