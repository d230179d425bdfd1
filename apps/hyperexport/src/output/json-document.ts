/** One document and a line end, for `--json`. Numbers beyond 2^53 do not occur: sizes are checked where they enter. */
export const toJson = (document: unknown): string => `${JSON.stringify(document, undefined, 2)}\n`;
