import { openLinuxFs } from './linux-fs.ts';
import { openNativeCodecs } from './native-codecs.ts';
import type { NativeCodecs, NativeFs } from './native.ts';
import { pureCodecs } from './pure-codecs.ts';
import { loadKoffi } from './shared-library.ts';

// Modules are loaded once per thread, so these are caches of one thread.
let codecs: NativeCodecs | undefined;
let fs: NativeFs | undefined;

/** The best codecs this machine has. `HYPERSDK_NATIVE=off` keeps to Node's own. */
export function nativeCodecs(): NativeCodecs {
  codecs ??= withKoffi(openNativeCodecs) ?? pureCodecs;
  return codecs;
}

/** What this system offers beyond `node:fs`; without any of it every member is absent. `HYPERSDK_NATIVE=off` leaves all of it out. */
export function nativeFs(): NativeFs {
  fs ??= withKoffi(openLinuxFs) ?? { name: 'none' };
  return fs;
}

function withKoffi<Part>(open: (koffi: NonNullable<ReturnType<typeof loadKoffi>>) => Part): Part | undefined {
  if (process.env['HYPERSDK_NATIVE'] === 'off') return undefined;
  const koffi = loadKoffi();
  return koffi && open(koffi);
}
