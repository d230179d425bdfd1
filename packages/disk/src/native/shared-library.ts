import { createRequire } from 'node:module';
import type * as KoffiModule from 'koffi';

export type Koffi = typeof KoffiModule;
export type SharedLibrary = KoffiModule.LibraryHandle;

/** A pointer that C code owns. Numbers are not used for it: a forgotten conversion is then a type error. */
export type Pointer = bigint;

/** The foreign-function interface, or undefined when it has no binary for this machine. Loaded at first use: it costs some milliseconds that `--help` should not pay. */
export function loadKoffi(): Koffi | undefined {
  try {
    return createRequire(import.meta.url)('koffi') as Koffi;
  } catch {
    return undefined;
  }
}

/**
 * Opens the first library that the dynamic linker finds under one of the names. Names carry the major version of the binary interface we declare functions for,
 * never a path: which file that is remains the choice of the system's administrator.
 * `deep` (RTLD_DEEPBIND): Node's own program exports the functions of its built-in zstd under the same names, and a library of another version that calls into it crashes.
 */
export function openSharedLibrary(koffi: Pick<Koffi, 'load'>, names: readonly string[]): SharedLibrary | undefined {
  for (const name of names) {
    try {
      return koffi.load(name, { deep: true });
    } catch {
      // Not installed under this name.
    }
  }
  return undefined;
}

/** The functions that the running program itself exports: Node brings zlib and zstd along and lets native packages link to them. */
export function openOwnProgram(koffi: Pick<Koffi, 'load'>): SharedLibrary | undefined {
  try {
    return koffi.load(null);
  } catch {
    return undefined;
  }
}
