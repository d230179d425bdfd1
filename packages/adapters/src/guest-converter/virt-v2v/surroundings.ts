import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { BootAccelerator } from '@hypersdk/domain';

export const KVM_DEVICE = '/dev/kvm';

/** What a conversion touches of this machine. Paths are absolute. */
export interface Surroundings {
  /** The only folder that is written, but for the appliance's. */
  readonly work: string;
  /** Opened for reading. */
  readonly images: readonly string[];
  /** Where libguestfs keeps the guest that it makes of this machine's packages. */
  readonly appliance: string;
  readonly accelerator: BootAccelerator;
}

/** libguestfs' own place for it, so that what other tools made is used: building it takes longer than a conversion. It checks itself whose folder that is. */
const APPLIANCES = '/var/tmp';

export async function openAppliance(): Promise<string> {
  const folder = join(APPLIANCES, `.guestfs-${process.geteuid?.() ?? 0}`);
  await mkdir(folder, { recursive: true, mode: 0o755 });
  return folder;
}
