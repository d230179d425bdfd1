import { HyperError, KIB, MIB, type ReferencePolicy } from '@hypersdk/domain';
import { MemoryFile } from '../file/memory-file.ts';
import type { ImageReader } from './disk-image.ts';

/** A file that lies, and what its reader has to say of it. */
interface HostileFile {
  readonly bytes: Uint8Array;
  /** Files beside it that may be opened, by name. Without them, opening any is a fault of the reader. */
  readonly beside?: Readonly<Record<string, Uint8Array>>;
}

/** The goal is 50 ms, but code runs for the first time in a test. */
const CPU_MAX_US = 200_000;
const MEMORY_MAX = 32 * MIB;

/** Opens, walks and reads a whole disk; answers what was thrown, undefined when nothing was. */
export function refusalOf(reader: ImageReader, file: HostileFile, references: ReferencePolicy): unknown {
  try {
    readAll(reader, file, references);
  } catch (error) {
    return error;
  }
  return undefined;
}

function readAll(reader: ImageReader, { bytes, beside }: HostileFile, references: ReferencePolicy): void {
  const own = `disk.${reader.format}`;
  const files = beside && { ...beside, [own]: bytes };
  const openReference = (name: string): MemoryFile => {
    if (!files || references === 'refuse' || /[/\\]/.test(name)) throw new Error(`${name} was opened`);
    const found = files[name];
    if (!found) throw new HyperError('source/not-found', `${name} is not there.`);
    return new MemoryFile(found, name);
  };
  using image = reader.open(new MemoryFile(bytes, own), { references, openReference, depth: 0 });
  const piece = new Uint8Array(64 * KIB);
  for (const { offset, length, kind } of image.extents({ offset: 0, length: image.virtualSize })) {
    for (let at = 0; kind === 'data' && at < length; at += piece.length)
      image.read(offset + at, piece.subarray(0, Math.min(piece.length, length - at)));
  }
}

/** Whether a refusal takes more time or memory than a hostile file may cost. */
export function isCostly(refuse: () => unknown): boolean {
  const memory = process.memoryUsage().arrayBuffers;
  const began = process.threadCpuUsage();
  refuse();
  const { user, system } = process.threadCpuUsage(began);
  return user + system > CPU_MAX_US || process.memoryUsage().arrayBuffers - memory > MEMORY_MAX;
}
