import { formatBytes, sizeOfAll } from '@hypersdk/domain';
import type { ConvertGuestOutcome } from '@hypersdk/usecases';
import { toExportDocument, type FinishedExport, type Paint } from '../export/describe-export.ts';
import { printable } from '../output/printable.ts';
import { shellWord } from '../output/shell-word.ts';
import { formatFields } from '../output/table.ts';

interface FinishedAdaptation extends FinishedExport {
  readonly outcome: ConvertGuestOutcome;
}

interface AdaptPlan {
  readonly original: string;
  readonly name: string;
  readonly vm: string;
  readonly disks: readonly string[];
  readonly converter: { readonly program: string; readonly version: string; readonly sandbox: string };
}

export const describeAdaptPlan = ({ original, name, vm, disks, converter }: AdaptPlan): string =>
  `${printable(vm)}: would be made fit for KVM\n${formatFields([
    ['from', `${original} (${disks.join(', ')}), which stays as it is`],
    ['to', name],
    ['by', `${converter.program} ${converter.version}, sandbox: ${converter.sandbox}`],
  ])}`;

/** What it was, what it is, by whom, what that one had to say, and how to see whether it comes up. */
export function describeAdapted({ outcome, folder }: FinishedAdaptation, terminal: Paint): string {
  const { manifest, notes, warnings } = outcome;
  const { convertedFrom } = manifest;
  const by = convertedFrom && `${convertedFrom.by.name} ${convertedFrom.by.version}`;
  return `${terminal.paint('green', terminal.paint('bold', printable(manifest.vm.name)))}: fit for KVM, copied and proven\n${formatFields([
    ['folder', folder],
    ['made from', `${convertedFrom?.export ?? ''}, which stays as it was, by ${by ?? ''}`],
    ...manifest.disks.flatMap((disk): (readonly [string, string])[] => [
      [disk.label, `${disk.file}: ${formatBytes(disk.content.virtualSize)} disk in ${formatBytes(sizeOfAll(disk))}`],
      ['  root', disk.content.root],
    ]),
    ['verify', `hyperexport verify ${shellWord(folder)}`],
    ['boot', `hyperexport boot ${shellWord(folder)} --controller virtio`],
    ...notes.map((note) => ['note', printable(note)] as const),
    ...warnings.map((warning) => ['warning', printable(warning)] as const),
  ])}`;
}

/** The same for programs: an export, and what it was before. */
export const toAdaptDocument = (finished: FinishedAdaptation): unknown => ({
  ...Object(toExportDocument(finished)),
  convertedFrom: finished.outcome.manifest.convertedFrom,
  notes: finished.outcome.notes,
});
