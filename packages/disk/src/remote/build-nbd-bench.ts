import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MIB } from '@hypersdk/domain';
import type { CopyOutcome, CopyRequest, HttpLocator, NbdLocator, Transfer } from '@hypersdk/ports';
import { openTransfer } from '../copy/transfer.ts';
import { buildSecrets } from './build-nbd-peers.ts';
import { nbdDisks } from './nbd-disks.ts';

/** For tests that start programs, on a machine that is busy. */
export const TIMEOUT_MS = 120_000;
/** Six leaves and a bit, with holes between and at the end; no multiple of more than 512. */
export const DISK_SIZE = 25 * MIB + 512;
const DATA = [
  [0, 5 * MIB],
  [7 * MIB + 4096, 300_000],
  [12 * MIB, 6 * MIB],
  [DISK_SIZE - 1024, 1024],
] as const;

interface CopiedDisk {
  readonly outcome: CopyOutcome;
  readonly bytes: Buffer;
  /** What its file took on the medium. */
  readonly allocatedSize: number;
}

/** A disk in several formats to be served, and a transfer that copies it back. */
export class NbdBench implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'nbd-'));
  readonly content = Buffer.alloc(DISK_SIZE);
  readonly transfer: Transfer;
  #made = 0;

  constructor({ workers }: { readonly workers: number } = { workers: 2 }) {
    this.transfer = openTransfer({ workers });
  }

  build(): void {
    for (const [offset, length] of DATA) this.content.fill(noise(length, offset), offset, offset + length);
    const { file } = this;
    writeFileSync(file('disk.raw'), this.content);
    for (const format of ['qcow2', 'vmdk'])
      execFileSync('qemu-img', ['convert', '-f', 'raw', '-O', format, file('disk.raw'), file(`disk.${format}`)]);
    buildSecrets(file('secrets'));
  }

  readonly file = (name: string): string => join(this.folder, name);

  readonly nextSocket = (): string => {
    this.#made += 1;
    return this.file(`${this.#made}.sock`);
  };

  readonly locate = (uri: string): NbdLocator => {
    this.#made += 1;
    const locator = nbdDisks.locate(uri, { allowsPlaintext: false, pointInTime: `p${this.#made}` });
    if (!locator) throw new Error(`${uri} is no address.`);
    return locator;
  };

  async copy(source: NbdLocator | HttpLocator, { digest = 'none' }: Partial<Pick<CopyRequest, 'digest'>> = {}): Promise<CopiedDisk> {
    this.#made += 1;
    const path = this.file(`copy-${this.#made}.raw`);
    const { signal } = new AbortController();
    const choices = { digest, durability: 'none', verifyPercent: 100, overwrite: false, restart: false } as const;
    const outcome = await this.transfer.copy(
      { source, sourceMark: source.kind === 'nbd' ? nbdDisks.mark(source) : source.mark, path, settings: { format: 'raw' }, ...choices },
      { signal },
    );
    const bytes = readFileSync(path);
    const allocatedSize = statSync(path).blocks * 512;
    for (const written of [path, `${path}.leaves`]) rmSync(written, { force: true });
    return { outcome, bytes, allocatedSize };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.transfer[Symbol.asyncDispose]();
    rmSync(this.folder, { recursive: true });
  }
}

/** Bytes that are hardly ever zero and never repeat within a piece. */
function noise(length: number, seed: number): Buffer {
  const bytes = Buffer.alloc(length);
  let state = seed + 1;
  for (let at = 0; at < length; at += 1) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    bytes[at] = state >>> 24;
  }
  return bytes;
}
