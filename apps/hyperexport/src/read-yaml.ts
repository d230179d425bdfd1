import { HyperError, type ErrorCode } from '@hypersdk/domain';
import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, type Document, type Node } from 'yaml';

/** Aliases that are followed: a few repeat a setting, many blow a short file up to gigabytes. */
const ALIAS_COUNT_MAX = 100;

interface YamlKind {
  readonly path: string;
  readonly what: string;
  /** `document/malformed` when absent. */
  readonly code?: ErrorCode;
}

/** A YAML 1.2 text as plain values; comments, tags of other programs and duplicate keys are no part of it. */
export const readYaml = (text: string, o: YamlKind): unknown => readLinedYaml(text, o).value;

/** The same, with the lines in which fields stand. */
export function readLinedYaml(text: string, o: YamlKind): { readonly value: unknown; readonly lineOf: (path: readonly PropertyKey[]) => number } {
  const malformed = (why: string, cause?: unknown): HyperError =>
    new HyperError(o.code ?? 'document/malformed', `${o.path} is not a ${o.what}: ${why}.`, { cause, detail: { path: o.path } });
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { version: '1.2', schema: 'core', uniqueKeys: true, stringKeys: true, prettyErrors: true, lineCounter });
  // The first line of a message says what and where; the rest draws it.
  const problem = document.errors[0] ?? document.warnings[0];
  if (problem) throw malformed(problem.message.split('\n')[0]?.replace(/:$/, '') ?? 'it is not YAML', problem);
  try {
    const value: unknown = document.toJS({ maxAliasCount: ALIAS_COUNT_MAX });
    return { value, lineOf: (path) => lineCounter.linePos(offsetOf(document, path)).line };
  } catch (cause) {
    throw malformed('its aliases refer to too much', cause);
  }
}

/** Where the last field of the path stands that is there at all. */
function offsetOf(document: Document, path: readonly PropertyKey[]): number {
  let node: unknown = document.contents;
  let offset = 0;
  for (const part of path) {
    const group = isAlias(node) ? node.resolve(document) : node;
    const pair = isMap(group) ? group.items.find(({ key }) => isScalar(key) && key.value === part) : undefined;
    const item: unknown = isSeq(group) && typeof part === 'number' ? group.items[part] : undefined;
    const place = pair ? pair.key : item;
    if (!hasRange(place)) break;
    offset = place.range[0];
    node = pair ? pair.value : item;
  }
  return offset;
}

const hasRange = (node: unknown): node is Node & { readonly range: readonly [number, number, number] } =>
  typeof node === 'object' && node !== null && 'range' in node && Array.isArray(node.range);
