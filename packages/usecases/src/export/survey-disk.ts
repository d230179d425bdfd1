import { HyperError, type DiskId, type DiskInfo, type ReferencePolicy, type VMInfo } from '@hypersdk/domain';
import type { Cancel, ImageInspector } from '@hypersdk/ports';
import type { Finding } from '../finding.ts';
import type { PlannedDisk } from './export-plan.ts';

type SurveyedDisk = Omit<PlannedDisk, 'file' | 'sizeExpected' | 'action'>;

/** The named disks of a VM in the VM's order; all of them by default. `source/not-found` names one that it does not have. */
export function chooseDisks(vm: VMInfo, wanted: readonly DiskId[] | undefined): readonly DiskInfo[] {
  if (wanted === undefined) return vm.disks;
  const unknown = wanted.find((id) => !vm.disks.some((disk) => disk.id === id));
  if (unknown !== undefined) throw new HyperError('source/not-found', `VM ${vm.name} has no disk ${unknown}.`);
  return vm.disks.filter((disk) => wanted.includes(disk.id));
}

interface SurveyOptions extends Cancel {
  /** The disk's location is a file here, whose header says more than the platform. */
  readonly isFile: boolean;
  readonly references: ReferencePolicy;
}

/** What can be said of a disk before it is read. What would make the copy fail becomes a finding, not an exception. */
export async function surveyDisk(
  inspector: ImageInspector,
  disk: DiskInfo,
  o: SurveyOptions,
): Promise<{ readonly disk: SurveyedDisk; readonly findings: readonly Finding[] }> {
  const { id, label, location, virtualSize, allocatedSize, format } = disk;
  const told = {
    id,
    label,
    location,
    virtualSize,
    ...(allocatedSize === undefined ? {} : { allocatedSize }),
    ...(format === undefined ? {} : { format }),
  };
  if (!o.isFile) return { disk: told, findings: [] };
  try {
    const image = await inspector.refer(location, { signal: o.signal, references: o.references, ...(format === undefined ? {} : { format }) });
    const seen = await inspector.inspect(image, o);
    return { disk: { ...told, format: seen.format, virtualSize: seen.virtualSize, allocatedSize: seen.allocatedSize }, findings: [] };
  } catch (error) {
    if (!(error instanceof HyperError) || o.signal.aborted) throw error;
    return { disk: told, findings: [{ severity: 'error', summary: error.message, detail: error.mend, path: location }] };
  }
}
