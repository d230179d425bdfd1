import type { ByteRange, Extent } from '@hypersdk/domain';
import type { WireError } from '../copy/wire-error.ts';

export type ToReader = { readonly id: number } & (
  | { readonly type: 'read'; readonly range: ByteRange }
  | { readonly type: 'extents'; readonly range: ByteRange; readonly countMax: number }
);

export type FromReader =
  | { readonly type: 'ready'; readonly virtualSize: number; readonly unitSize: number; readonly format: string }
  | { readonly type: 'refused'; readonly error: WireError }
  | { readonly type: 'bytes'; readonly id: number; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly type: 'extents'; readonly id: number; readonly extents: readonly Extent[] }
  | { readonly type: 'failed'; readonly id: number; readonly error: WireError };
