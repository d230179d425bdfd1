import type { BootFirmware, ImageRef } from '@hypersdk/domain';
import type { BootProver, Cancel, ConversionNews, ConvertedGuest, GuestConverter, ImageInspector, Watch } from '@hypersdk/ports';
import { refuseComplete } from '../export/begin-export.ts';
import { exportVM } from '../export/export-vm.ts';
import type { ExportOutcome, ExportPorts, ExportProgress, ExportRequest } from '../export/export-types.ts';
import { convertedSession } from './converted-session.ts';
import { findOriginal, type OriginalGuest } from './find-original.ts';

export interface ConvertGuestRequest extends Pick<ExportRequest, 'name' | 'settings' | 'verifyPercent' | 'rateLimit' | 'parallel' | 'overwrite'> {
  /** Folder of the export in the target. */
  readonly original: string;
  /** An empty folder on this machine for what is temporary. */
  readonly work: string;
  /** For the conversion; the copy takes its own time. */
  readonly timeLimitMs: number;
}

export interface ConvertGuestPorts extends ExportPorts {
  readonly converter: GuestConverter;
  /** Knows whether hardware virtualisation works here. */
  readonly prover: Pick<BootProver, 'probe'>;
  readonly inspector: ImageInspector;
}

export interface ConvertGuestOutcome extends ExportOutcome {
  /** What the converter left to the guest's first start. */
  readonly notes: readonly string[];
}

type Options = Watch<ExportProgress> & { readonly onNews?: (news: ConversionNews) => void };

/**
 * Makes a new export of an export's guest, fit for KVM, beside it. The original is read and never written: what changes lies in overlays until it was copied
 * and proven. Stopped anywhere there is the original alone, and the same request begins anew.
 */
export const convertGuest =
  (ports: ConvertGuestPorts) =>
  async (request: ConvertGuestRequest, o: Options): Promise<ConvertGuestOutcome> => {
    const { original: folder, work, timeLimitMs, ...choices } = request;
    const original = await planConversion(ports)(request, o);
    const converted = await convert(ports, { original, work, timeLimitMs }, o);
    const { exportId, disks, vm } = original.manifest;
    const readiness = await ports.converter.probe(o);
    const by = readiness.ready ? { name: readiness.program, version: readiness.version } : ports.tool;
    const outcome = await exportVM(ports)(
      {
        ...choices,
        session: convertedSession(ports.inspector, { original, images: converted.disks }),
        vm: vm.id,
        // The marks of overlays are of one conversion only: there is nothing to go on from.
        restart: true,
        convertedFrom: { exportId, export: folder, roots: disks.map(({ content }) => content.root), by },
      },
      o,
    );
    return { ...outcome, notes: converted.notes, warnings: [...converted.warnings, ...outcome.warnings] };
  };

/** All that can be refused before anything is made: no such export, one that cannot be converted, no place for the new one. */
export const planConversion =
  (ports: Pick<ConvertGuestPorts, 'target' | 'inspector'>) =>
  async (request: Pick<ConvertGuestRequest, 'original' | 'name' | 'settings' | 'overwrite'>, { signal }: Cancel): Promise<OriginalGuest> => {
    const original = await findOriginal(ports, request.original, { signal });
    await refuseComplete(ports.target, { ...request, restart: true }, { signal });
    return original;
  };

interface Conversion extends Pick<ConvertGuestRequest, 'work' | 'timeLimitMs'> {
  readonly original: OriginalGuest;
}

async function convert(
  { converter, prover, inspector }: ConvertGuestPorts,
  { original, ...choices }: Conversion,
  { signal, onNews }: Options,
): Promise<ConvertedGuest> {
  const readiness = await prover.probe({ signal });
  const { name, firmware } = original.manifest.vm;
  return converter.convert(
    {
      ...choices,
      name,
      firmware: firmware === 'unknown' ? await firmwareOf(inspector, original.images[0], { signal }) : firmware,
      accelerator: readiness.ready ? readiness.accelerator : 'tcg',
      disks: original.images.map(({ path, format }) => ({ path, format })),
    },
    { signal, ...(onNews ? { onNews } : {}) },
  );
}

/** A disk that only one firmware can start from was started by that one. */
async function firmwareOf(inspector: ImageInspector, image: ImageRef | undefined, o: Cancel): Promise<BootFirmware> {
  const { firmwares } = image ? await inspector.look(image, o) : { firmwares: [] };
  return firmwares.length === 1 && firmwares[0] === 'uefi' ? 'uefi' : 'bios';
}
