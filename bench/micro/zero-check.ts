// How fast a block of zeros is recognised: the product's check beside the loops one might write instead.
// Run: node bench/micro/zero-check.ts
import { isZero } from '../../packages/disk/src/stream/is-zero.ts';

const ROUNDS = 7;
const TARGET_MS = 100;

const candidates: Readonly<Record<string, (bytes: Uint8Array) => boolean>> = {
  isZero,
  'loop over bytes': (bytes) => {
    for (const byte of bytes) if (byte !== 0) return false;
    return true;
  },
  'loop over 32-bit words': (bytes) => {
    const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
    for (let at = 0; at < words.length; at += 1) if (words[at] !== 0) return false;
    return true;
  },
  'loop over doubles': (bytes) => {
    // A subnormal double is not zero, but minus zero is taken for it: a faster loop, and a wrong one.
    const words = new Float64Array(bytes.buffer, bytes.byteOffset, bytes.length / 8);
    for (let at = 0; at < words.length; at += 1) if (words[at] !== 0) return false;
    return true;
  },
};

console.log('| block | method | GB/s |\n|---|---|---|');
for (const size of [4096, 64 * 1024, 1024 * 1024]) {
  const zeros = new Uint8Array(size);
  for (const [name, check] of Object.entries(candidates)) {
    const rates = Array.from({ length: ROUNDS }, () => bytesPerMs(check, zeros) / 1e6).toSorted((a, b) => a - b);
    console.log(`| ${size / 1024} KiB | ${name} | ${(rates[Math.floor(ROUNDS / 2)] ?? 0).toFixed(1)} |`);
  }
}

function bytesPerMs(check: (bytes: Uint8Array) => boolean, bytes: Uint8Array): number {
  const began = performance.now();
  let done = 0;
  while (performance.now() - began < TARGET_MS) {
    for (let call = 0; call < 20; call += 1) if (!check(bytes)) throw new Error('Zeros were not recognised.');
    done += 20 * bytes.length;
  }
  return done / (performance.now() - began);
}
