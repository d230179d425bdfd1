import { assertLevel } from './codec-level.ts';
import { bindIsal, ISAL_NAMES, IsalCompressor, toIsalLevel } from './isal.ts';
import { bindLibdeflate, LIBDEFLATE_NAMES, LibdeflateCompressor, LibdeflateDecompressor } from './libdeflate.ts';
import { bindLibzstd, LIBZSTD_NAMES, LibzstdCompressor, LibzstdDecompressor } from './libzstd.ts';
import type { Codec, NativeCodecs } from './native.ts';
import { pureCodecs } from './pure-codecs.ts';
import { openOwnProgram, openSharedLibrary, type Koffi, type SharedLibrary } from './shared-library.ts';

interface Sources {
  /** What this program itself exports. */
  readonly own: SharedLibrary | undefined;
}

/** Codecs from the libraries this system has; each one that is missing, or lacks a function, leaves its work to the pure ones. */
export function openNativeCodecs(koffi: Pick<Koffi, 'load' | 'address'>, { own }: Sources = { own: openOwnProgram(koffi) }): NativeCodecs {
  const libdeflate = bind(openSharedLibrary(koffi, LIBDEFLATE_NAMES), bindLibdeflate);
  const isal = bind(openSharedLibrary(koffi, ISAL_NAMES), (library) => bindIsal(library, koffi));
  // Node's own first: it is as fast, is on every machine, and its version, hence the bytes it makes, is the same everywhere.
  const bindZstd = (library: SharedLibrary): ReturnType<typeof bindLibzstd> => bindLibzstd(library, koffi);
  const ownZstd = bind(own, bindZstd);
  const libzstd = ownZstd ?? bind(openSharedLibrary(koffi, LIBZSTD_NAMES), bindZstd);
  const names = [libdeflate && 'libdeflate', isal && 'isa-l', libzstd && (ownZstd ? "node's zstd" : 'libzstd')].filter((name) => name !== undefined);
  if (names.length === 0) return pureCodecs;

  return {
    name: names.join('+'),
    compressor: (codec, level) => {
      assertLevel(codec, level);
      const isalLevel = toIsalLevel(level);
      if (codec === 'deflate-4k' && isal && isalLevel !== undefined) return new IsalCompressor(isal, isalLevel);
      if (codec === 'zlib' && libdeflate) return new LibdeflateCompressor(libdeflate, level);
      if (codec === 'zstd' && libzstd) return new LibzstdCompressor(libzstd, level);
      return pureCodecs.compressor(codec, level);
    },
    decompressor: (codec: Codec) => {
      if (codec === 'zstd') return libzstd ? new LibzstdDecompressor(libzstd) : pureCodecs.decompressor(codec);
      return libdeflate ? new LibdeflateDecompressor(libdeflate, codec === 'zlib' ? 'zlib' : 'raw') : pureCodecs.decompressor(codec);
    },
  };
}

function bind<Binding>(library: SharedLibrary | undefined, toBinding: (library: SharedLibrary) => Binding): Binding | undefined {
  if (!library) return undefined;
  try {
    return toBinding(library);
  } catch {
    // A build without one of the functions.
    return undefined;
  }
}
