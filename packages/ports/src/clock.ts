/** Time and ids come in from outside, so that a run can be repeated exactly. */
export interface Clock {
  /** Wall clock, milliseconds since 1970 in UTC: for people and documents only. */
  now(): number;
  /** Milliseconds that only ever grow: for durations, speeds and time-outs. */
  elapsed(): number;
}

export interface Ids {
  /** A new id, unique without coordination, sortable by time: 26 characters of Crockford base32. */
  next(): string;
}
