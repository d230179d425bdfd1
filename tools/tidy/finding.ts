/** One thing that is not as the house wants it. `file` is from the root, with slashes. */
export interface Finding {
  readonly file: string;
  readonly line?: number;
  /** Short name of the rule, for tests and for searching. */
  readonly rule: string;
  readonly message: string;
}

export const describeFinding = ({ file, line, rule, message }: Finding): string =>
  `${file}${line === undefined ? '' : `:${line}`}: ${message} [${rule}]`;
