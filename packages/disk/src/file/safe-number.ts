/** The largest offset or size that is exact as a number: 8 PiB less one byte. */
const EXACT_MAX = BigInt(Number.MAX_SAFE_INTEGER);

/** Turns a 64-bit field into a byte count, or undefined when it is not exact as a number: no disk is that large. */
export const toByteCount = (field: bigint): number | undefined => (field >= 0n && field <= EXACT_MAX ? Number(field) : undefined);
