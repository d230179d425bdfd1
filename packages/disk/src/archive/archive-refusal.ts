import { HyperError, type ErrorCode } from '@hypersdk/domain';

/** Where in which file. */
export interface ArchivePlace {
  readonly path: string;
  readonly offset: number;
}

/** A refused archive: names what, where in the file, and why. `why` is a sentence without its full stop. */
export function refuseArchive(code: ErrorCode & `archive/${string}`, why: string, at: ArchivePlace): HyperError {
  return new HyperError(code, `${at.path} is refused as an archive: ${why} (at byte ${at.offset}).`, { detail: { ...at, why } });
}

const SHOWN_MAX = 80;

/** A name from outside as it can be shown to anyone. */
export const shown = (name: string): string =>
  JSON.stringify(name.length > SHOWN_MAX ? `${name.slice(0, SHOWN_MAX)}…` : name).replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, '?');
