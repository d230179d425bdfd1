import { join } from 'node:path';
import type { Cancel } from '@hypersdk/ports';
import { exportedGuest } from '@hypersdk/usecases';
import type { FinishedExport } from '../export/describe-export.ts';
import { BOOT_SECONDS } from '../flags/limits.ts';
import { MANIFEST_FILE } from '../manifest-file.ts';
import type { Services } from '../services.ts';
import { proveGuest } from './prove-guest.ts';
import { serveDisks, type DiskReferrer } from './serve-disks.ts';

/** Boots each finished export in turn: guests that start at the same time would only slow each other down. */
export async function bootExports(services: Services, finished: readonly FinishedExport[], { signal }: Cancel): Promise<readonly FinishedExport[]> {
  const proven: FinishedExport[] = [];
  for (const one of finished) {
    const target = await services.target(one.folder);
    const guest = await exportedGuest(target, MANIFEST_FILE, { signal });
    const refer: DiskReferrer = ({ path, format }) =>
      services.inspector.refer(path, { signal, references: 'refuse', ...(format === undefined ? {} : { format }) });
    await using served = await serveDisks(services, guest, { signal, refer });
    const choices = { signal, expect: [], timeLimitMs: BOOT_SECONDS * 1000, unsandboxed: false, folder: join(one.folder) };
    const { record } = await proveGuest({ services }, served.subject, choices);
    proven.push({ ...one, boot: record });
  }
  return proven;
}

/** A copy that does not boot is a failure; one of which nothing can be said is not. */
export const hasFailedBoot = (finished: readonly FinishedExport[]): boolean => finished.some(({ boot }) => boot?.verdict.kind === 'failed');
