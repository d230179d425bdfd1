import { readFile, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { HyperError, systemCode } from '@hypersdk/domain';
import { parseBatchManifest, type BatchItem, type BatchManifest } from '@hypersdk/usecases';
import { isAddress } from '../flags/parsers.ts';
import { parseExportLine } from '../export/parse-export-line.ts';
import type { ExportOrder } from '../export/open-export.ts';
import { readLinedYaml } from '../read-yaml.ts';

export interface Batch extends Pick<BatchManifest, 'onError' | 'parallel' | 'limitRate'> {
  /** Absolute. */
  readonly path: string;
  readonly orders: readonly ExportOrder[];
}

/** A thousand items with all their settings are below this. */
const FILE_SIZE_MAX = 4 * 1024 * 1024;

/** A batch whose every item is understood. Paths in it start from its own folder, so that it means the same wherever it is run from. */
export async function readBatch(file: string): Promise<Batch> {
  const path = resolve(file);
  const { items, ...about } = parseLined(path, await readText(path));
  const orders: ExportOrder[] = [];
  for (const [index, item] of items.entries()) orders.push(await toOrder(item, { index, folder: dirname(path) }));
  return { ...about, path, orders };
}

/** Names the file and the line of what is wrong in it. */
function parseLined(path: string, text: string): BatchManifest {
  const { value, lineOf } = readLinedYaml(text, { path, what: 'batch', code: 'batch/malformed' });
  try {
    return parseBatchManifest(value);
  } catch (thrown) {
    if (!(thrown instanceof HyperError) || !Array.isArray(thrown.detail['path'])) throw thrown;
    const line = lineOf(thrown.detail['path']);
    throw new HyperError(thrown.code, `${path}, line ${line}: ${thrown.message}`, { detail: { ...thrown.detail, line }, cause: thrown });
  }
}

/** An item is the command line that a person would type for it, so one parser judges both. */
async function toOrder(item: BatchItem, o: { readonly index: number; readonly folder: string }): Promise<ExportOrder> {
  const { names, match, format, settings } = item;
  const flags = Object.entries({ ...settings, format, match, to: resolve(o.folder, item.target) }).flatMap(([name, value]) => toWord(name, value));
  try {
    return await parseExportLine(['export', ...flags, '--', isAddress(item.source) ? item.source : resolve(o.folder, item.source), ...names]);
  } catch (thrown) {
    if (thrown instanceof HyperError)
      throw new HyperError(thrown.code, `items[${o.index}]: ${thrown.message}`, { detail: thrown.detail, cause: thrown });
    throw thrown;
  }
}

function toWord(name: string, value: string | number | boolean | undefined): readonly string[] {
  if (value === undefined || value === false) return [];
  return value === true ? [`--${name}`] : [`--${name}=${value}`];
}

async function readText(path: string): Promise<string> {
  try {
    const about = await stat(path);
    if (!about.isFile()) throw new HyperError('source/not-a-file', `${path} is not a file.`);
    if (about.size > FILE_SIZE_MAX)
      throw new HyperError('batch/malformed', `${path} has ${about.size} bytes, more than a batch may have (${FILE_SIZE_MAX}).`);
    return await readFile(path, 'utf8');
  } catch (cause) {
    if (cause instanceof HyperError) throw cause;
    const code = systemCode(cause) ?? 'unknown';
    if (code === 'ENOENT' || code === 'ENOTDIR') throw new HyperError('source/not-found', `There is no batch ${path}.`, { cause });
    throw new HyperError('source/forbidden', `${path} cannot be read: the system answered ${code}.`, { cause });
  }
}
