import type { ChangedBlocks, DiskChanges, ExportableDisk, RemoteDisks } from '@hypersdk/ports';

/** NBD metadata context of QEMU's dirty bitmaps (QEMU docs/interop/nbd.rst). */
const CONTEXT = 'qemu:dirty-bitmap:';

/** A dirty bitmap of the server, which has to be called as the point in time since which it counts. */
export class BitmapChanges implements ChangedBlocks {
  readonly #remotes: Pick<RemoteDisks, 'mark'>;
  readonly #bitmap: string;

  constructor(remotes: Pick<RemoteDisks, 'mark'>, bitmap: string) {
    this.#remotes = remotes;
    this.#bitmap = bitmap;
  }

  async since({ locator, mark: now }: ExportableDisk, mark: string): Promise<DiskChanges> {
    if (mark === now) return { kind: 'unchanged' };
    if (locator.kind !== 'nbd') return { kind: 'unknown', reason: 'only NBD servers have bitmaps' };
    if (mark !== this.#remotes.mark({ ...locator, pointInTime: this.#bitmap }))
      return { kind: 'unknown', reason: `the bitmap ${this.#bitmap} counts since the point in time of that name, and the last export is of another` };
    const changed = { ...locator, bitmap: `${CONTEXT}${this.#bitmap}` };
    return { kind: 'changed', locator: changed, mark: this.#remotes.mark(changed) };
  }
}
