import type { Cancel, ChangedBlocks, DiskChanges, ExportableDisk, ImageInspector } from '@hypersdk/ports';

/**
 * A qcow2 overlay knows what was written since it was made: when one of the images below it is, byte for byte, what was exported, the images above
 * it hold the changes. Any other file tells nothing.
 */
export class FilesChangedBlocks implements ChangedBlocks {
  readonly #inspector: ImageInspector;

  constructor(inspector: ImageInspector) {
    this.#inspector = inspector;
  }

  async since({ locator, mark: now }: ExportableDisk, mark: string, o: Cancel): Promise<DiskChanges> {
    if (mark === now) return { kind: 'unchanged' };
    if (locator.kind !== 'image' || locator.image.format !== 'qcow2') return { kind: 'unknown', reason: 'a file does not tell what changed in it' };
    const marks = await this.#inspector.layerMarks(locator.image, o);
    const layers = marks.indexOf(mark);
    if (layers < 1) return { kind: 'unknown', reason: 'the image lies on none that is as it was exported' };
    const image = { ...locator.image, layers };
    return { kind: 'changed', locator: { kind: 'image', image }, mark: await this.#inspector.mark(image, o) };
  }
}
