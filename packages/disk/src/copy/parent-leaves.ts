import { HyperError, leafRange } from '@hypersdk/domain';
import type { ParentImage } from '@hypersdk/ports';
import { leafDigest, zeroLeafDigest } from '../digest/tree.ts';
import type { DiskImage } from '../format/disk-image.ts';
import { openImage } from '../format/open-image.ts';
import { imageMark } from '../inspect/image-mark.ts';
import { isZero } from '../stream/is-zero.ts';
import { LeafList } from './leaf-list.ts';

/** What an overlay's parent holds, leaf by leaf, each held against its digest. */
export class ParentLeaves implements Disposable {
  readonly #parent: ParentImage;
  readonly #image: DiskImage;
  readonly #list: LeafList;

  private constructor(parent: ParentImage, image: DiskImage, list: LeafList) {
    this.#parent = parent;
    this.#image = image;
    this.#list = list;
  }

  /** `chain/parent-changed` when its files are no longer what they were when it was chosen. */
  static open(parent: ParentImage): ParentLeaves {
    using opened = new DisposableStack();
    const image = opened.use(openImage(parent.image));
    const list = opened.use(LeafList.open(parent.leavesPath));
    if (imageMark(image) !== parent.mark) throw changed(parent, 'was written meanwhile');
    opened.move();
    return new ParentLeaves(parent, image, list);
  }

  /** Its whole list of digests; fails when they do not make the root that was recorded. */
  requireWhole(): LeafList {
    if (!this.#list.addsUpTo(this.#parent.content)) throw changed(this.#parent, 'has leaf digests that do not add up to its recorded root');
    return this.#list;
  }

  digestOf(leaf: number): Buffer {
    return this.#list.find(leaf) ?? zeroLeafDigest(leafRange(leaf, this.#parent.content.virtualSize).length);
  }

  read(leaf: number, into: Uint8Array): void {
    const { offset } = leafRange(leaf, this.#parent.content.virtualSize);
    const inImage = into.subarray(0, Math.max(0, Math.min(into.length, this.#image.virtualSize - offset)));
    this.#image.read(offset, inImage);
    into.fill(0, inImage.length);
    const digest = isZero(into) ? zeroLeafDigest(into.length) : leafDigest(into);
    if (!digest.equals(this.digestOf(leaf)))
      throw changed(this.#parent, `is not what was recorded at bytes ${offset} to ${offset + into.length} of the disk`);
  }

  [Symbol.dispose](): void {
    this.#list[Symbol.dispose]();
    this.#image[Symbol.dispose]();
  }
}

/** Looked at again before what lies on it gets its name. */
export function requireParent(parent: ParentImage): void {
  using leaves = ParentLeaves.open(parent);
  leaves.requireWhole();
}

const changed = ({ image }: ParentImage, why: string): HyperError =>
  new HyperError('chain/parent-changed', `${image.path}, which the new export is to lie on, ${why}.`, { detail: { path: image.path } });
