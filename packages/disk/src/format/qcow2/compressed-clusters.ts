// QEMU docs/interop/qcow2, "Compressed Clusters Descriptor": a stream decompresses to exactly one cluster, or the image is wrong.
import { MIB } from '@hypersdk/domain';
import type { ByteFile } from '../../file/byte-file.ts';
import { nativeCodecs } from '../../native/load.ts';
import type { Decompressor } from '../../native/native.ts';
import { malformed } from './malformed.ts';

/** Streams that lie within this span are fetched by one read. */
const FETCH_SPAN = MIB;

/** Where the stream of one cluster lies in the file. */
export interface StoredCluster {
  readonly host: number;
  readonly stored: number;
}

/** Whether a cluster can be fetched along with those before it: it follows them in the file, not far away. */
export const isFetchedAlong = (first: StoredCluster, last: StoredCluster, next: StoredCluster): boolean =>
  next.host >= last.host && next.host + next.stored <= first.host + FETCH_SPAN;

/** Reads compressed clusters of one image. Streams that follow one another are fetched together; the cluster decompressed last is kept for reads that end inside it. */
export class CompressedClusters implements Disposable {
  readonly #file: ByteFile;
  readonly #clusterSize: number;
  readonly #compression: 'zlib' | 'zstd';
  #decompressor: Decompressor | undefined;
  #fetched = new Uint8Array(0);
  #fetchedAt = 0;
  #fetchedEnd = 0;
  #kept: Uint8Array | undefined;
  #keptHost = -1;

  constructor(file: ByteFile, { clusterSize, compression }: { readonly clusterSize: number; readonly compression: 'zlib' | 'zstd' }) {
    this.#file = file;
    this.#clusterSize = clusterSize;
    this.#compression = compression;
  }

  /** Makes the file's bytes from `host` on ready for the reads that follow. */
  fetch(host: number, length: number): void {
    if (host >= this.#fetchedAt && host + length <= this.#fetchedEnd) return;
    if (this.#fetched.length < length) this.#fetched = new Uint8Array(Math.max(length, Math.min(FETCH_SPAN, 2 * length)));
    this.#fetchedEnd = 0;
    this.#file.read(host, this.#fetched.subarray(0, length));
    this.#fetchedAt = host;
    this.#fetchedEnd = host + length;
  }

  /** Fills `into` with the bytes of a cluster from `offset` inside it on. */
  read(cluster: StoredCluster, offset: number, into: Uint8Array): void {
    if (into.length === this.#clusterSize) return this.#decompress(cluster, into);
    if (this.#keptHost !== cluster.host || !this.#kept) {
      this.#kept ??= new Uint8Array(this.#clusterSize);
      this.#keptHost = -1;
      this.#decompress(cluster, this.#kept);
      this.#keptHost = cluster.host;
    }
    into.set(this.#kept.subarray(offset, offset + into.length));
  }

  #decompress({ host, stored }: StoredCluster, into: Uint8Array): void {
    this.fetch(host, stored);
    this.#decompressor ??= nativeCodecs().decompressor(this.#compression === 'zlib' ? 'deflate-4k' : 'zstd');
    const start = host - this.#fetchedAt;
    try {
      this.#decompressor.decompress(this.#fetched.subarray(start, start + stored), into);
    } catch (cause) {
      throw malformed(
        this.#file.path,
        `a compressed cluster does not decompress to ${this.#clusterSize} bytes (${cause instanceof Error ? cause.message : String(cause)})`,
        host,
      );
    }
  }

  [Symbol.dispose](): void {
    this.#decompressor?.[Symbol.dispose]();
    this.#decompressor = undefined;
  }
}
