import { HyperError, type ErrorCode, systemCode } from '@hypersdk/domain';

const TARGET_CODES: Readonly<Record<string, ErrorCode>> = {
  ENOSPC: 'target/full',
  EDQUOT: 'target/full',
  EFBIG: 'target/full',
  EROFS: 'target/read-only',
  EACCES: 'target/read-only',
  EPERM: 'target/read-only',
  EEXIST: 'target/exists',
  ENOENT: 'target/not-found',
  ENOTDIR: 'target/not-found',
};

const SOURCE_CODES: Readonly<Record<string, ErrorCode>> = {
  EACCES: 'source/forbidden',
  EPERM: 'source/forbidden',
  ENOENT: 'source/not-found',
  ENOTDIR: 'source/not-found',
};

/** Says in the target's words what the operating system refused. `doing` completes "while …". */
export function toTargetError(cause: unknown, path: string, doing: string): HyperError {
  if (cause instanceof HyperError) return cause;
  const system = systemCode(cause);
  const code = TARGET_CODES[system ?? ''] ?? 'target/unwritable';
  return new HyperError(code, `${path}: ${describeSystemError(cause)} while ${doing}.`, { detail: { path, system }, cause });
}

/** Says in the source's words what the operating system refused. */
export function toSourceError(cause: unknown, path: string, doing: string): HyperError {
  if (cause instanceof HyperError) return cause;
  const system = systemCode(cause);
  const code = SOURCE_CODES[system ?? ''] ?? 'source/unreadable';
  return new HyperError(code, `${path}: ${describeSystemError(cause)} while ${doing}.`, { detail: { path, system }, cause });
}

const BLAMED_ON_TARGET: Partial<Readonly<Record<ErrorCode, ErrorCode>>> = {
  'source/not-found': 'target/not-found',
  'source/unreadable': 'target/unreadable',
  'source/changed': 'target/unreadable',
};

/** What we wrote is read like any source; when that fails, it is the target that has to be looked at. */
export function blameTarget(error: unknown): unknown {
  const code = error instanceof HyperError ? BLAMED_ON_TARGET[error.code] : undefined;
  return error instanceof HyperError && code ? new HyperError(code, error.message, { detail: error.detail, cause: error }) : error;
}

const SENTENCES: Readonly<Record<string, string>> = {
  ENOSPC: 'the file system is full',
  EDQUOT: 'the quota is used up',
  EFBIG: 'the file system does not take a file of this size',
  EROFS: 'the file system is read-only',
  EACCES: 'permission was denied',
  EPERM: 'the operation is not permitted',
  ENOENT: 'there is no such file or folder',
  ENOTDIR: 'a part of the path is not a folder',
  EEXIST: 'the name is already taken',
  EIO: 'the medium reported an error',
  ESTALE: 'the network file system lost the file',
  EISDIR: 'this is a folder, not a file',
  ELOOP: 'this is a symbolic link',
};

function describeSystemError(cause: unknown): string {
  const system = systemCode(cause);
  if (system) return SENTENCES[system] ?? `the system answered ${system}`;
  return cause instanceof Error ? cause.message : String(cause);
}
