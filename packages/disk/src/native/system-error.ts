import { getSystemErrorMessage, getSystemErrorName } from 'node:util';

/** An error of a system call with the fields that Node's own errors have, so that callers need not know who made the call. */
export function systemError(errno: number, syscall: string): Error & { readonly code: string; readonly errno: number; readonly syscall: string } {
  const code = getSystemErrorName(-errno);
  return Object.assign(new Error(`${code}: ${getSystemErrorMessage(-errno)}, ${syscall}`), { code, errno: -errno, syscall });
}
