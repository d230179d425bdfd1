import type { ImageSettings } from '@hypersdk/ports';
import type { WritableFile } from '../file/byte-file.ts';

/**
 * A format is written by two halves. Movers, many at a time, turn units (clusters, grains) into stored bytes with a `UnitEncoder`.
 * One coordinator, in disk order, gives those bytes a place and keeps the tables: the `Layout`. So equal input gives equal files with any number of movers.
 */
export interface ImageWriter<Plan extends ImagePlan = ImagePlan> {
  readonly format: ImageSettings['format'];
  /** Checks the settings (`usage/invalid` names the wrong one) and fixes every free choice. Plain data, so that movers and a later resume see the same. */
  plan(virtualSize: number, settings: ImageSettings): Plan;
  /** For movers; undefined when units are stored as they are. One encoder serves one thread. */
  encoder(plan: Plan): UnitEncoder | undefined;
  /** For the coordinator: a fresh file, or one continued from a mark of `flush`. */
  layout(plan: Plan, file: WritableFile, resume?: LayoutMark): Layout;
  /** The files of the image when it is not one file; `name` is its own. */
  set?(plan: Plan, name: string): FileSet | undefined;
}

/** Several files that make one image: the layout's offsets go through all of them. */
export interface FileSet {
  /** Volumes of one split file: the image's own is the first of them, and there may be fewer than are named here. */
  readonly volumes?: true;
  /** Offsets that each file has: the n-th begins at n times this. */
  readonly span: number;
  /** Names of the files beside the image in the order of their offsets; the image's own is behind them all, and holds nothing before it is finished. */
  readonly names: readonly string[];
}

/** In the sizes of a leaf's units: reads as zeros although what lies below does not. Only overlays have such units; they take no room of their own. */
export const ZERO_UNIT = 0xff_ff_ff_ff;

export interface ImagePlan {
  /** Identifies what the image is made of. It goes into the identifiers of formats that have one, so that two disks differ even where both are empty. */
  readonly origin?: string;
  readonly virtualSize: number;
  /** Bytes of disk in one unit; divides the 4 MiB leaf. Units of zeros are not stored. */
  readonly unitSize: number;
  /**
   * `identity`: the unit at disk offset x goes to file offset x, `place` is never called. `assigned`: `Layout.place` decides.
   */
  readonly placement: 'identity' | 'assigned';
}

export interface UnitEncoder extends Disposable {
  /** Most bytes one unit can take when stored. */
  readonly storedSizeMax: number;
  /** Encodes the (non-zero, full-size, zero-padded at the end of the disk) unit number `index` of the disk to `into` from `at` on; answers the stored length, above 0. */
  encode(unit: Uint8Array, index: number, into: Uint8Array, at: number): number;
  /** The same in steps, for units that can take seconds; one unit at a time. */
  encodeInSteps?(unit: Uint8Array, index: number, into: Uint8Array, at: number): Generator<undefined, number>;
}

/** Plain data that lets `layout` continue. `end`: bytes of the file that are in use. */
export interface LayoutMark {
  readonly end: number;
  readonly leaves: number;
  readonly [field: string]: number | string | boolean;
}

export interface Layout {
  /**
   * Gives the stored units of one leaf their file offsets. Leaves come in rising order; those that are all zero are left out.
   * `sizes[i]` is the stored length of unit i of the leaf, 0 for units that are left out and `ZERO_UNIT` for zeros over something; `offsets[i]` is filled in for the others.
   * Tables are kept in bounded memory and written to the file as they fill.
   */
  place(leaf: number, sizes: Uint32Array, offsets: Float64Array): void;
  /** Writes every table touched since, so that all leaves below `leaves` can be found through a resume; makes nothing durable. May be called at any time; leaves above that were
   * placed already (at most a few thousand) are not part of the mark, and a resume places them anew at the same offsets. */
  flush(leaves: number): LayoutMark;
  /** Writes final tables, header, footer and the file's length. The image is complete afterwards, not yet durable. */
  finish(): void;
}
