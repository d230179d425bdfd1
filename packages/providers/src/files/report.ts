import { HyperError } from '@hypersdk/domain';

/** Takes one sentence about something that was left out. */
export type Report = (problem: string) => void;

const SHOWN_MAX = 200;

/** An outside name as it can be shown to anyone: in quotes, control characters spelled out, cut to a bearable length. */
export const quote = (name: string): string =>
  JSON.stringify(name.length > SHOWN_MAX ? `${name.slice(0, SHOWN_MAX)}…` : name).replaceAll(/[\p{Cf}\u2028\u2029]/gu, '?');

/** Why something failed, in words that are safe to show. */
export const reasonOf = (failure: unknown): string => (failure instanceof HyperError ? failure.message : 'it cannot be read.');
