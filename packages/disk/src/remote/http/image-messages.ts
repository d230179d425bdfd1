import type { ByteRange, Extent, ImageFormat, ImageInfo, RemoteLook } from '@hypersdk/domain';
import type { WireError } from '../../copy/wire-error.ts';
import type { SharedWindow } from './file-window.ts';

/** What a thread that reads one image is started with. */
export interface ImageThreadStart {
  /** For messages. */
  readonly path: string;
  readonly size: number;
  readonly window: SharedWindow;
}

/** Everything that is asked of such a thread, and its answer. */
export interface ImageAnswers {
  readonly open: { readonly virtualSize: number };
  readonly extents: readonly Extent[];
  readonly read: undefined;
  readonly inspect: ImageInfo;
  readonly look: RemoteLook;
}

export type ImageQuestion =
  | { readonly kind: 'inspect' | 'look' }
  | { readonly kind: 'open'; readonly format: ImageFormat }
  | { readonly kind: 'extents'; readonly range: ByteRange }
  | { readonly kind: 'read'; readonly offset: number; readonly length: number; readonly into: SharedArrayBuffer };

export interface ToImageThread {
  readonly id: number;
  readonly question: ImageQuestion;
}

export type FromImageThread =
  /** A block of the file is to be put into a slot of the window. */
  | { readonly type: 'fetch'; readonly slot: number; readonly range: ByteRange }
  | { readonly type: 'answer'; readonly id: number; readonly answer: ImageAnswers[keyof ImageAnswers] }
  | { readonly type: 'failed'; readonly id: number; readonly error: WireError };
