import { damaged } from '../damaged.ts';
import { mappedSpan, type Run, type Span } from '../span.ts';
import type { LogicalVolume, VolumeGroup } from './volume-group.ts';

/** The content of a logical volume. Undefined when a segment of it is not plain or lies on a disk that is not here. `disks` are the physical volumes by id. */
export function logicalSpan(group: VolumeGroup, volume: LogicalVolume, disks: ReadonlyMap<string, Span>): Span | undefined {
  const { extentSize } = group;
  const pieces = volume.segments.map(({ start, count, place }) => {
    const disk = group.disks.find(({ name }) => name === place?.disk);
    const span = disk && disks.get(disk.id);
    return span && place
      ? { start: start * extentSize, length: count * extentSize, span, offset: disk.start + place.extent * extentSize }
      : undefined;
  });
  if (pieces.length === 0 || pieces.includes(undefined)) return undefined;
  return mappedSpan(volume.extentCount * extentSize, (offset): Run => {
    const piece = pieces.find((one) => one && offset >= one.start && offset < one.start + one.length);
    if (!piece) throw damaged('the segments of a logical volume leave a gap');
    const into = offset - piece.start;
    return { length: piece.length - into, from: { span: piece.span, offset: piece.offset + into } };
  });
}
