import type { ByteRange } from '@hypersdk/domain';
import type { NativeFs } from './native.ts';
import { openSharedLibrary, type Koffi, type SharedLibrary } from './shared-library.ts';
import { systemError } from './system-error.ts';

// Values of the Linux system call interface, equal on every architecture we accept.
const SEEK_DATA = 3;
const SEEK_HOLE = 4;
const FALLOC_KEEP_SIZE = 1;
const FALLOC_PUNCH_HOLE = 2;
const FALLOC_ZERO_RANGE = 16;
const POSIX_FADV_DONTNEED = 4;
const SYNC_FILE_RANGE_WRITE = 2;
const AT_FDCWD = -100;
const RENAME_NOREPLACE = 1;

/** A signal that keeps interrupting a call is not our loop to run in. */
const INTERRUPTED_MAX = 1000;

/** What glibc on 64-bit Linux offers. Each function that a C library lacks is absent. */
export function openLinuxFs(koffi: Koffi): NativeFs | undefined {
  if (process.platform !== 'linux' || !ARCHITECTURES.includes(process.arch)) return undefined;
  const libc = openSharedLibrary(koffi, ['libc.so.6']);
  if (!libc || !present(() => libc.func('const char *gnu_get_libc_version()'))) return undefined;
  return {
    name: 'glibc',
    ...present(() => bindSeek(libc, koffi)),
    ...present(() => bindCopyRange(libc, koffi)),
    ...present(() => bindRanges(libc, koffi)),
    ...present(() => bindRename(libc, koffi)),
    ...present(() => bindByteLocks(libc, koffi)),
  };
}

/** Little-endian, with 64-bit `off_t` and pointers. */
const ARCHITECTURES: readonly string[] = ['x64', 'arm64'];

/** koffi throws when a library lacks the function. */
function present<Binding>(bind: () => Binding): Binding | undefined {
  try {
    return bind();
  } catch {
    return undefined;
  }
}

/** lseek(2). It moves the descriptor's own position, which nobody here uses: all reads and writes name their offset. */
function bindSeek(libc: SharedLibrary, koffi: Koffi): Required<Pick<NativeFs, 'seekData' | 'seekHole'>> {
  const lseek: (fd: number, offset: number, whence: number) => number = libc.func('int64_t lseek(int fd, int64_t offset, int whence)');
  const { ENXIO } = koffi.os.errno;
  return {
    seekData: (fd, offset) => {
      const found = lseek(fd, offset, SEEK_DATA);
      if (found >= 0) return found;
      const errno = koffi.errno();
      if (errno === ENXIO) return undefined;
      throw systemError(errno, 'lseek');
    },
    seekHole: (fd, offset) => {
      const found = lseek(fd, offset, SEEK_HOLE);
      if (found < 0) throw systemError(koffi.errno(), 'lseek');
      return found;
    },
  };
}

/** copy_file_range(2). */
function bindCopyRange(libc: SharedLibrary, koffi: Koffi): Required<Pick<NativeFs, 'copyRange'>> {
  type Call = (from: number, fromOffset: BigInt64Array, to: number, toOffset: BigInt64Array, length: number, flags: number) => number;
  const call: Call = libc.func('int64_t copy_file_range(int from, void *from_offset, int to, void *to_offset, size_t length, unsigned int flags)');
  // Made once: the kernel reads the offsets from them during the call and leaves the new ones there.
  const fromOffset = new BigInt64Array(1);
  const toOffset = new BigInt64Array(1);
  return {
    copyRange: (from, to, length) =>
      retried(koffi, 'copy_file_range', () => {
        fromOffset[0] = BigInt(from.offset);
        toOffset[0] = BigInt(to.offset);
        return call(from.fd, fromOffset, to.fd, toOffset, length, 0);
      }),
  };
}

/** fallocate(2), posix_fadvise(2) and sync_file_range(2). */
function bindRanges(
  libc: SharedLibrary,
  koffi: Koffi,
): Required<Pick<NativeFs, 'allocate' | 'punch' | 'zeroRange' | 'dropCache' | 'startWriteback'>> {
  type RangeCall = (fd: number, offset: number, length: number, flags: number) => number;
  const fallocate: (fd: number, mode: number, offset: number, length: number) => number = libc.func(
    'int fallocate(int fd, int mode, int64_t offset, int64_t length)',
  );
  const fadvise: RangeCall = libc.func('int posix_fadvise(int fd, int64_t offset, int64_t length, int advice)');
  const syncRange: RangeCall = libc.func('int sync_file_range(int fd, int64_t offset, int64_t length, unsigned int flags)');
  return {
    allocate: (fd, range) => {
      retried(koffi, 'fallocate', () => fallocate(fd, 0, range.offset, range.length));
    },
    punch: (fd, range) => {
      retried(koffi, 'fallocate', () => fallocate(fd, FALLOC_PUNCH_HOLE + FALLOC_KEEP_SIZE, range.offset, range.length));
    },
    zeroRange: (fd, range) => {
      retried(koffi, 'fallocate', () => fallocate(fd, FALLOC_ZERO_RANGE + FALLOC_KEEP_SIZE, range.offset, range.length));
    },
    dropCache: (fd: number, range: ByteRange) => {
      // The one call that answers the error instead of setting errno.
      const errno = fadvise(fd, range.offset, range.length, POSIX_FADV_DONTNEED);
      if (errno !== 0) throw systemError(errno, 'posix_fadvise');
    },
    startWriteback: (fd, range) => {
      retried(koffi, 'sync_file_range', () => syncRange(fd, range.offset, range.length, SYNC_FILE_RANGE_WRITE));
    },
  };
}

/** renameat2(2). File systems without the flag answer EINVAL, which is thrown: the caller then links and unlinks. */
function bindRename(libc: SharedLibrary, koffi: Koffi): Required<Pick<NativeFs, 'renameNoReplace'>> {
  type Call = (fromFolder: number, from: string, toFolder: number, to: string, flags: number) => number;
  const renameat2: Call = libc.func('int renameat2(int from_folder, const char *from, int to_folder, const char *to, unsigned int flags)');
  return {
    renameNoReplace: (from, to) => {
      // A C string would end at a NUL and name another file.
      if (from.includes('\0') || to.includes('\0')) throw new TypeError('A path must not contain a NUL character.');
      retried(koffi, 'renameat2', () => renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE));
    },
  };
}

const F_OFD_GETLK = 36;
const F_OFD_SETLK = 37;
const LockType = { shared: 0, exclusive: 1, none: 2 } as const;
/** `struct flock` of 64-bit Linux: type, from where (0: the start), and from 8 on the offset and the length. */
const FLOCK_SIZE = 32;

/** fcntl(2), "Open file description locks". The argument of a variadic function goes where any third one does, on both architectures. */
function bindByteLocks(libc: SharedLibrary, koffi: Koffi): Required<Pick<NativeFs, 'shareByte' | 'isByteHeld'>> {
  const fcntl: (fd: number, command: number, lock: Buffer) => number = libc.func('int fcntl(int fd, int command, void *lock)');
  const lockOn = (type: number, offset: number): Buffer => {
    const lock = Buffer.alloc(FLOCK_SIZE);
    lock.writeInt16LE(type, 0);
    lock.writeBigInt64LE(BigInt(offset), 8);
    lock.writeBigInt64LE(1n, 16);
    return lock;
  };
  return {
    shareByte: (fd, offset) => {
      retried(koffi, 'fcntl', () => fcntl(fd, F_OFD_SETLK, lockOn(LockType.shared, offset)));
    },
    isByteHeld: (fd, offset) => {
      const lock = lockOn(LockType.exclusive, offset);
      retried(koffi, 'fcntl', () => fcntl(fd, F_OFD_GETLK, lock));
      return lock.readInt16LE(0) !== LockType.none;
    },
  };
}

function retried(koffi: Koffi, syscall: string, call: () => number): number {
  for (let interruptions = 0; ; interruptions += 1) {
    const result = call();
    if (result >= 0) return result;
    const errno = koffi.errno();
    if (errno !== koffi.os.errno['EINTR'] || interruptions >= INTERRUPTED_MAX) throw systemError(errno, syscall);
  }
}
