/** Something a person should know before or after a run. `summary` is one sentence without secrets; `path` names the file it is about. */
export interface Finding {
  /** `error`: it cannot work or is wrong; `warning`: it may; `note`: good to know. */
  readonly severity: 'error' | 'warning' | 'note';
  readonly summary: string;
  readonly detail?: string;
  readonly path?: string;
}
