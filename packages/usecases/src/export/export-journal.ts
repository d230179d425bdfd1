import { createHash } from 'node:crypto';
import { HyperError, toExportId, type DiskInfo, type ExportId, type VMInfo } from '@hypersdk/domain';
import type { Cancel, Encryption, ImageSettings, StorageTarget } from '@hypersdk/ports';
import { z } from 'zod';
import { canonicalJson } from '../manifest/canonical-json.ts';
import { writeDocument } from '../manifest/export-manifest.ts';
import { sha256, text, time } from '../manifest/field-schemas.ts';
import { parseDocument } from '../manifest/parse-document.ts';
import type { PackageKind } from '../package/package-files.ts';
import { journalName } from './export-files.ts';
import { toFileEncryption } from './file-encryption.ts';

/** The intent of an export, durable before its first effect, so that the next run of the same export knows its own work from foreign files. */
export interface ExportJournal {
  readonly kind: 'hypersdk.export-journal';
  readonly version: 1;
  readonly exportId: ExportId;
  readonly startedAt: string;
  /** SHA-256 of what must be equal for a run to go on with the work found: see `planDigest`. */
  readonly plan: string;
  /** The same without the settings: whose work this is. */
  readonly vm: string;
}

const journalSchema = z.strictObject({
  kind: z.literal('hypersdk.export-journal'),
  version: z.literal(1),
  exportId: text.min(1).transform(toExportId),
  startedAt: time,
  plan: sha256,
  vm: sha256,
}) satisfies z.ZodType<ExportJournal>;

/** Undefined when there is none, or none that can be read: then nothing here counts as ours. */
export async function readJournal(target: StorageTarget, name: string, o: Cancel): Promise<ExportJournal | undefined> {
  try {
    const bytes = await target.get(journalName(name), o);
    return parseDocument(bytes, { what: 'export journal', code: 'manifest/malformed', schema: journalSchema }).document;
  } catch (error) {
    if (error instanceof HyperError && (error.code === 'source/not-found' || error.code === 'manifest/malformed')) return undefined;
    throw error;
  }
}

export const writeJournal = (target: StorageTarget, name: string, o: Cancel & { readonly journal: ExportJournal }): Promise<void> =>
  target.put(journalName(name), writeDocument(o.journal), { signal: o.signal, ifAbsent: false });

export const vmDigest = (vm: VMInfo): string => digestOf([vm.provider, vm.connection, vm.id]);

interface PlannedWork {
  readonly vm: VMInfo;
  readonly disks: readonly DiskInfo[];
  readonly settings: ImageSettings;
  readonly encryption?: Encryption;
  readonly volumeSize?: number;
  readonly package?: PackageKind | undefined;
}

/** Which disk goes to which file, and how it is written. Marks are not in it: a disk whose mark changed is copied anew by itself. */
export const planDigest = ({ vm, disks, settings, encryption, volumeSize, package: kind }: PlannedWork): string =>
  digestOf([
    vmDigest(vm),
    disks.map(({ id }) => id),
    settings,
    ...(kind === undefined ? [] : [kind]),
    ...(encryption ? [toFileEncryption(encryption)] : []),
    ...(volumeSize === undefined ? [] : [{ volumeSize }]),
  ]);

const digestOf = (value: unknown): string => createHash('sha256').update(canonicalJson(value)).digest('hex');
