import { HyperError, systemCode } from '@hypersdk/domain';

/** Why a folder or file that a person named cannot be looked into. */
export function unreadable(path: string, cause: unknown): HyperError {
  const system = systemCode(cause);
  const o = { detail: { path, system }, cause };
  if (system === 'ENOENT' || system === 'ENOTDIR') return new HyperError('source/not-found', `There is no ${path}.`, o);
  if (system === 'EACCES' || system === 'EPERM') return new HyperError('source/forbidden', `${path} may not be read by you.`, o);
  return new HyperError('source/unreadable', `${path} cannot be read${system === undefined ? '' : `: the system answered ${system}`}.`, o);
}
