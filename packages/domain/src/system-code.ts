/** The name of a system error, such as `ENOSPC`; undefined for every other error. */
export function systemCode(cause: unknown): string | undefined {
  return cause instanceof Error && 'code' in cause && typeof cause.code === 'string' && /^E[A-Z0-9]+$/.test(cause.code) ? cause.code : undefined;
}
