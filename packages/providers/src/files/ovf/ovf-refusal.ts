import { HyperError, type ErrorCode } from '@hypersdk/domain';

/** A refused OVF descriptor. `why` is a sentence without its full stop. */
export const refuseOvf = (code: ErrorCode & `ovf/${string}`, why: string): HyperError =>
  new HyperError(code, `This OVF descriptor is refused: ${why}.`, { detail: { why } });
