import { HyperError, type ImageFormat } from '@hypersdk/domain';
import { fieldName } from '../manifest/parse-document.ts';
import type { PackageKind } from '../package/package-files.ts';
import { batchFieldsAt, batchManifestSchema, type BatchDocument } from './batch-manifest-schema.ts';
import { describeMistake, type BatchMistake } from './describe-mistake.ts';

type Settings = NonNullable<BatchDocument['items'][number]['settings']>;

/** The work of many exports, as a person wrote it down. Paths and amounts are as they stand there. */
export interface BatchManifest {
  readonly onError: 'stop' | 'continue';
  readonly parallel?: number;
  readonly limitRate?: string;
  readonly items: readonly BatchItem[];
}

export interface BatchItem {
  readonly source: string;
  /** Empty for all VMs, or for those that `match` finds. */
  readonly names: readonly string[];
  /** Regular expression for names, upper and lower case alike. */
  readonly match?: string;
  readonly target: string;
  readonly format?: ImageFormat | PackageKind;
  readonly settings: Settings;
}

/** Types what a YAML or JSON reader answered; the first thing that is wrong is named with its place. */
export function parseBatchManifest(document: unknown): BatchManifest {
  const parsed = batchManifestSchema.safeParse(document);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw malformed(issue ? describeMistake(issue, { document, fieldsAt: batchFieldsAt }) : { path: [], what: 'does not match its schema' });
  }
  const { 'on-error': onError = 'stop', parallel, 'limit-rate': limitRate, defaults = {}, items } = parsed.data;
  return {
    onError,
    ...(parallel === undefined ? {} : { parallel }),
    ...(limitRate === undefined ? {} : { limitRate: String(limitRate) }),
    items: items.map((item, index) => toItem(item, { defaults, index })),
  };
}

function toItem(
  item: BatchDocument['items'][number],
  { defaults, index }: { readonly defaults: NonNullable<BatchDocument['defaults']>; readonly index: number },
): BatchItem {
  const target = item.target ?? defaults.target;
  if (target === undefined) throw malformed({ path: ['items', index, 'target'], what: 'is missing, and there is none in defaults' });
  const format = item.format ?? defaults.format;
  return {
    source: item.source,
    ...toSelection(item.vm),
    target,
    ...(format === undefined ? {} : { format }),
    settings: { ...defaults.settings, ...item.settings },
  };
}

function toSelection(selector: BatchDocument['items'][number]['vm']): Pick<BatchItem, 'names' | 'match'> {
  if (selector === undefined) return { names: [] };
  if ('name' in selector) return { names: typeof selector.name === 'string' ? [selector.name] : selector.name };
  return { names: [], match: 'glob' in selector ? globToPattern(selector.glob) : selector.regex };
}

/** A pattern for whole names. */
export function globToPattern(glob: string): string {
  const escaped = glob.replaceAll(/[\\^$.+()[\]{}|/]/g, (sign) => `\\${sign}`);
  return `^${escaped.replaceAll('*', '.*').replaceAll('?', '.')}$`;
}

/** `detail.path` leads to the field, for whoever knows the lines of the text. */
function malformed({ path, what }: BatchMistake): HyperError {
  const field = fieldName(path);
  return new HyperError('batch/malformed', `${field === '' ? 'The batch' : field} ${what}.`, { detail: { path, field } });
}
