import { setTimeout as delay } from 'node:timers/promises';
import { HyperError, type ImageRef } from '@hypersdk/domain';
import type { Cancel, ConversionNews, ConversionRequest, ConvertedGuest, ConverterReadiness, GuestConverter } from '@hypersdk/ports';
import type { MemoryFiles } from './memory-files.ts';

/** What a disk begins with that holds a system, and what it begins with afterwards. */
const BEFORE = Buffer.from('for another hypervisor');
const AFTER = Buffer.from('for KVM');

/** A disk with a system that can be converted, of so many bytes. */
export function convertibleDisk(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  bytes.set(BEFORE);
  return bytes;
}

const NEWS: readonly ConversionNews[] = [
  { kind: 'step', text: 'Inspecting the source' },
  { kind: 'step', text: 'Converting the guest' },
  { kind: 'note', text: 'Its agent will be installed at its first start.' },
  { kind: 'warning', text: 'Its boot loader was left as it is.' },
];

/** Converts raw images in memory by exchanging their first words: the reference for `GuestConverter`. */
export class MemoryGuestConverter implements GuestConverter {
  readonly #files: MemoryFiles;
  readonly #readiness: ConverterReadiness;
  /** Conversions that run. */
  running = 0;

  constructor(files: MemoryFiles, readiness: ConverterReadiness = { ready: true, program: 'memory', version: '1', sandbox: 'none' }) {
    this.#files = files;
    this.#readiness = readiness;
  }

  async probe({ signal }: Cancel): Promise<ConverterReadiness> {
    signal.throwIfAborted();
    return this.#readiness;
  }

  async convert(request: ConversionRequest, o: Cancel & { readonly onNews?: (news: ConversionNews) => void }): Promise<ConvertedGuest> {
    o.signal.throwIfAborted();
    if (!this.#readiness.ready) throw new HyperError('convert/unavailable', this.#readiness.reason);
    const originals = request.disks.map(({ path }) => this.#files.open(this.#files.locate(path)).bytes);
    this.running += 1;
    try {
      return await this.#convert(request, { ...o, originals });
    } finally {
      this.running -= 1;
    }
  }

  async #convert(
    { work, timeLimitMs, name }: ConversionRequest,
    o: Cancel & { readonly onNews?: (news: ConversionNews) => void; readonly originals: readonly Uint8Array[] },
  ): Promise<ConvertedGuest> {
    let elapsedMs = 0;
    for (const news of NEWS) {
      o.onNews?.(news);
      await delay(0);
      o.signal.throwIfAborted();
      elapsedMs += 1;
      if (elapsedMs > timeLimitMs) throw new HyperError('convert/failed', `${name}: the time is over.`);
    }
    const [system] = o.originals;
    if (!system || !Buffer.from(system.subarray(0, BEFORE.length)).equals(BEFORE))
      throw new HyperError('convert/failed', `${name}: there is no system on its disks.`);
    const disks = o.originals.map((bytes, index): ImageRef => {
      const path = `${work}/disk-${index}.raw`;
      const content = bytes.slice();
      if (index === 0) content.set(AFTER);
      this.#files.write(path, content);
      return { path, format: 'raw', references: 'refuse' };
    });
    const textsOf = (wanted: ConversionNews['kind']): readonly string[] => NEWS.flatMap(({ kind, text }) => (kind === wanted ? [text] : []));
    return { disks, notes: textsOf('note'), warnings: textsOf('warning') };
  }
}
