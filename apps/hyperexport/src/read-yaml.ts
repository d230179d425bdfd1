import { HyperError } from '@hypersdk/domain';
import { parseDocument } from 'yaml';

/** Aliases that are followed: a few repeat a setting, many blow a short file up to gigabytes. */
const ALIAS_COUNT_MAX = 100;

/** A YAML 1.2 text as plain values; comments, tags of other programs and duplicate keys are no part of it. */
export function readYaml(text: string, o: { readonly path: string; readonly what: string }): unknown {
  const malformed = (why: string, cause?: unknown): HyperError =>
    new HyperError('document/malformed', `${o.path} is not a ${o.what}: ${why}.`, { cause, detail: { path: o.path } });
  const document = parseDocument(text, { version: '1.2', schema: 'core', uniqueKeys: true, stringKeys: true, prettyErrors: true });
  // The first line of a message says what and where; the rest draws it.
  const problem = document.errors[0] ?? document.warnings[0];
  if (problem) throw malformed(problem.message.split('\n')[0]?.replace(/:$/, '') ?? 'it is not YAML', problem);
  try {
    return document.toJS({ maxAliasCount: ALIAS_COUNT_MAX }) as unknown;
  } catch (cause) {
    throw malformed('its aliases refer to too much', cause);
  }
}
