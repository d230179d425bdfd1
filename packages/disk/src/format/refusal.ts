import { HyperError, type ErrorCode, type ImageFormat } from '@hypersdk/domain';

export interface Refusal {
  readonly format: ImageFormat;
  readonly path: string;
  /** Where in the file the offending field lies, when it lies somewhere. */
  readonly offset?: number;
}

/** A refused image: names what, where in the file, and why. `why` is a sentence without its full stop. */
export function refuse(code: ErrorCode & `image/${string}`, why: string, place: Refusal): HyperError {
  const where = place.offset === undefined ? '' : ` (at byte ${place.offset})`;
  return new HyperError(code, `${place.path} is refused as ${place.format}: ${why}${where}.`, { detail: { ...place, why } });
}
