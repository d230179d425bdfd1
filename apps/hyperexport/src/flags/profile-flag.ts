import { parseText } from './parsers.ts';

/** Read before the other flags are parsed, and replaced by what the profile says; declared so that help and completion know it. */
export const profileFlag = {
  kind: 'parsed',
  optional: true,
  parse: parseText,
  placeholder: 'NAME',
  brief: 'Take what is not given from this profile',
} as const;
