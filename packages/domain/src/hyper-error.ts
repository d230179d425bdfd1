import { type ErrorCode, errorTable } from './errors.ts';

/** `message` is safe to show to anyone; `detail` is for the log and for `--json`. */
export class HyperError extends Error {
  readonly code: ErrorCode;
  readonly detail: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, message: string, options: { readonly detail?: Readonly<Record<string, unknown>>; readonly cause?: unknown } = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.name = 'HyperError';
    this.code = code;
    this.detail = options.detail ?? {};
  }

  get retry(): 'never' | 'later' | 'now' {
    return errorTable[this.code].retry;
  }

  get mend(): string {
    return errorTable[this.code].mend;
  }
}
