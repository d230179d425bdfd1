import type { ImageFormat, ImageInfo, RemoteLook } from '@hypersdk/domain';
import type { Cancel } from './cancel.ts';

/** An image file on a web server. Plain data, from which any thread can open it again. */
export interface HttpLocator {
  readonly kind: 'http';
  /** May hold a user and a password: never shown, see `shown`. */
  readonly url: string;
  /** The address for people, receipts and records: neither user nor password, and no query. */
  readonly shown: string;
  /** PEM of the authority that signed the server's certificate; absent: those that the system trusts. */
  readonly authorityFile?: string;
  /** Lines of `Name: value` that go with every request. */
  readonly headerFile?: string;
  readonly format: ImageFormat;
  /** Names the content by the address, the entity tag or time of last change, and the size. */
  readonly mark: string;
}

export interface WebChoices {
  /** A format that the bytes contradict is refused with `image/format-mismatch`. */
  readonly format?: ImageFormat;
  readonly authorityFile?: string;
  readonly headerFile?: string;
}

/** Image files that are read in place under an address, `http://` or `https://`, in ranges. Files that they name are never opened. */
export interface WebImages {
  /** Asks the server for the file and detects its format; undefined when the text is no such address. */
  locate(text: string, o: WebChoices & Cancel): Promise<HttpLocator | undefined>;
  /** Reads headers and tables only. */
  inspect(locator: HttpLocator, o: Cancel): Promise<ImageInfo>;
  /** Says what lies on the disk, as for images; within 20 seconds and 64 MiB of reading. */
  look(locator: HttpLocator, o: Cancel): Promise<RemoteLook>;
}
