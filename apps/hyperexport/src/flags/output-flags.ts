/** How a command talks. */
export interface OutputFlags {
  readonly json?: boolean;
  readonly quiet?: boolean;
}

export interface ProgressFlags extends OutputFlags {
  readonly plain?: boolean;
}

const optional = { kind: 'boolean', optional: true, withNegated: false } as const;

export const outputFlags = {
  json: { ...optional, brief: 'Print one JSON document on standard output' },
  quiet: { ...optional, brief: 'Say nothing unless something goes wrong' },
} as const;

export const progressFlags = {
  ...outputFlags,
  plain: { ...optional, brief: 'Progress in plain lines, for logs and screen readers' },
} as const;
