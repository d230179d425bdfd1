/** A file to be put on a volume. Its size is fixed when the volume is planned. */
export interface TreeFile {
  readonly name: string;
  readonly size: number;
  /** The bytes, in pieces. Called once. */
  content(): AsyncIterable<Uint8Array>;
}

export interface TreeFolder {
  readonly name: string;
  readonly files: readonly TreeFile[];
  readonly folders: readonly TreeFolder[];
}
