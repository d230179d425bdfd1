import type { HyperError } from '@hypersdk/domain';
import { refuse } from '../refusal.ts';

/** A qcow2 image that breaks a rule of its format. `why` is a sentence without its full stop; `offset` is where in the file the wrong field lies. */
export const malformed = (path: string, why: string, offset?: number): HyperError =>
  refuse('image/malformed', why, { format: 'qcow2', path, ...(offset === undefined ? {} : { offset }) });
