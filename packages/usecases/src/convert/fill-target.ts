import type { CopyProgress, ExportFiller, FillOutcome, FillRequest, ImageInspector, RemoteDisks, Watch } from '@hypersdk/ports';
import { markOf, toLocator, type ConvertRequest } from './convert-image.ts';

export interface FillPorts {
  readonly filler: ExportFiller;
  readonly inspector: ImageInspector;
  readonly remotes: Pick<RemoteDisks, 'mark'>;
}

export interface FillTargetRequest extends Omit<FillRequest, 'source' | 'sourceMark'> {
  readonly source: ConvertRequest['source'];
}

/** Writes a disk into an export of a server. What was written is a disk, not a file: there is nothing beside it that could hold a receipt. */
export const fillTarget =
  (ports: FillPorts) =>
  async ({ source, ...request }: FillTargetRequest, o: Watch<CopyProgress>): Promise<FillOutcome> =>
    ports.filler.fill({ ...request, source: toLocator(source), sourceMark: await markOf(ports, source, o) }, o);
