import { HyperError, type ErrorCode, systemCode } from '@hypersdk/domain';

const WRITE_CODES: Readonly<Record<string, ErrorCode>> = {
  ENOSPC: 'target/full',
  EDQUOT: 'target/full',
  EROFS: 'target/read-only',
  EACCES: 'target/read-only',
  EPERM: 'target/read-only',
  ELOOP: 'target/unsafe-path',
  ENOTDIR: 'target/exists',
};

const READ_CODES: Readonly<Record<string, ErrorCode>> = {
  EACCES: 'source/forbidden',
  EPERM: 'source/forbidden',
  ENOENT: 'source/not-found',
  ENOTDIR: 'source/not-found',
  ELOOP: 'target/unsafe-path',
};

const REASONS: Readonly<Record<string, string>> = {
  ENOSPC: 'the file system is full',
  EDQUOT: 'the quota is used up',
  EROFS: 'the file system is read-only',
  EACCES: 'permission is denied',
  EPERM: 'it is not permitted',
  ELOOP: 'it is a symbolic link, which is not followed',
  ENOTDIR: 'a part of its name is a file',
  ENOENT: 'it is not there',
  EIO: 'the medium failed',
};

/** What went wrong while an object was stored or removed. */
export const writeError = (error: unknown, name: string): unknown =>
  translate(error, WRITE_CODES, { otherwise: 'target/unwritable', what: `${name} could not be written` });

/** What went wrong while an object was read. */
export const readError = (error: unknown, name: string): unknown =>
  translate(error, READ_CODES, { otherwise: 'source/unreadable', what: `${name} could not be read` });

interface Fallback {
  readonly otherwise: ErrorCode;
  readonly what: string;
}

function translate(error: unknown, codes: Readonly<Record<string, ErrorCode>>, { otherwise, what }: Fallback): unknown {
  const errno = systemCode(error);
  if (errno === undefined || error instanceof HyperError) return error;
  const code = codes[errno] ?? otherwise;
  return new HyperError(code, `${what}: ${REASONS[errno] ?? errno}.`, { cause: error, detail: { errno } });
}
