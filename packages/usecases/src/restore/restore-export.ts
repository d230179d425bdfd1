import type { ExportManifest } from '@hypersdk/domain';
import type { Cancel, Restore, RestoreOutcome, RestorePlan, RestoreProgress, RestoreRequest, Watch } from '@hypersdk/ports';
import { readRestorable, type RestorableExport, type RestorableRequest, type RestorePorts } from './read-restorable.ts';

export interface RestoreExportRequest extends RestorableRequest, Pick<RestoreRequest, 'identity' | 'pool' | 'network' | 'start'> {
  readonly restore: Restore;
  /** Absent: the name that the VM had. */
  readonly name?: string;
}

type OfExport<Answer> = Answer & { readonly manifest: ExportManifest; readonly name: string };

/** Says what restoring an export would make, or why it cannot be. */
export const planRestore =
  (ports: RestorePorts) =>
  async (request: RestoreExportRequest, o: Cancel): Promise<OfExport<RestorePlan>> => {
    const found = await readRestorable(ports, request, o);
    const order = toOrder(found, request);
    const plan = await request.restore.plan(order, o);
    return { ...plan, manifest: found.manifest, name: order.name, warnings: [...found.warnings, ...plan.warnings] };
  };

/** Makes the VM of an export at a platform again. What stands there afterwards has the content that its manifest names, or there is nothing. */
export const restoreExport =
  (ports: RestorePorts) =>
  async (request: RestoreExportRequest, o: Watch<RestoreProgress>): Promise<OfExport<RestoreOutcome>> => {
    const found = await readRestorable(ports, request, o);
    const order = toOrder(found, request);
    const outcome = await request.restore.run(order, o);
    return { ...outcome, manifest: found.manifest, name: order.name, warnings: [...found.warnings, ...outcome.warnings] };
  };

const toOrder = ({ manifest, disks }: RestorableExport, { name, identity, pool, network, start }: RestoreExportRequest): RestoreRequest => ({
  vm: manifest.vm,
  disks,
  name: name ?? manifest.vm.name,
  identity,
  start,
  ...(pool === undefined ? {} : { pool }),
  ...(network === undefined ? {} : { network }),
});
