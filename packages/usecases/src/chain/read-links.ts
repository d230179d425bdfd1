import { HyperError, type ExportManifest } from '@hypersdk/domain';
import type { Cancel, StorageTarget } from '@hypersdk/ports';
import type { Finding } from '../finding.ts';
import { manifestName } from '../export/export-files.ts';
import { parseExportManifest } from '../manifest/export-manifest.ts';
import { readDocument } from '../verify/read-document.ts';
import type { ChainLink } from './chain-link.ts';

/** Exports of one target that are looked through: years of hourly ones of one VM, or nightly ones of hundreds. */
const LINK_COUNT_MAX = 50_000;

/** What a manifest is called in an export that was taken out of its chain and may still be put back. */
export const retiredName = (name: string): string => `${name}/retired-manifest.json`;

export interface FoundLinks {
  readonly links: readonly ChainLink[];
  /** Taken out of their chain, with their files still there. */
  readonly retired: readonly ChainLink[];
  readonly findings: readonly Finding[];
}

/** All complete exports that lie directly in the target. A manifest that cannot be read is a finding: the export is as good as not there. */
export async function readLinks(target: StorageTarget, o: Cancel): Promise<FoundLinks> {
  const links: ChainLink[] = [];
  const retired: ChainLink[] = [];
  const findings: Finding[] = [];
  for await (const { name: object } of target.list('', o)) {
    const [name = '', file, ...deeper] = object.split('/');
    if (file === undefined || deeper.length > 0) continue;
    const kept = object === manifestName(name) ? links : object === retiredName(name) ? retired : undefined;
    if (!kept) continue;
    if (links.length + retired.length >= LINK_COUNT_MAX)
      throw new HyperError('usage/invalid', `The target holds more than ${LINK_COUNT_MAX} exports; keep those of a chain in a folder of their own.`);
    const manifest = await readManifest(target, object, { ...o, findings });
    if (manifest) kept.push({ name, manifest });
  }
  return { links, retired, findings };
}

async function readManifest(
  target: StorageTarget,
  object: string,
  o: Cancel & { readonly findings: Finding[] },
): Promise<ExportManifest | undefined> {
  try {
    return parseExportManifest(await readDocument(target, object, o));
  } catch (error) {
    if (!(error instanceof HyperError) || !['manifest/malformed', 'source/not-found'].includes(error.code)) throw error;
    o.findings.push({ severity: 'warning', summary: `${object} cannot be read: ${error.message}`, path: object });
    return undefined;
  }
}
