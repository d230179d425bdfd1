export const KIB = 1024;
export const MIB = 1024 * KIB;
export const GIB = 1024 * MIB;
export const TIB = 1024 * GIB;

const VIEW_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const;

/** For people: `1.5 GiB`. Three significant digits at most, no trailing zeros. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < VIEW_UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const shown = unit === 0 ? value.toFixed(0) : Number(value.toPrecision(3)).toString();
  return `${shown} ${VIEW_UNITS[unit] ?? 'B'}`;
}

const MULTIPLIERS: Readonly<Record<string, number>> = { '': 1, k: KIB, m: MIB, g: GIB, t: TIB };

/** Reads `512`, `64k`, `10MiB`, `1.5G` (powers of 1024). Answers undefined when the text is not a size. */
export function parseBytes(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?$/i.exec(text.trim());
  const multiplier = MULTIPLIERS[match?.[2]?.toLowerCase() ?? ''];
  if (!match?.[1] || multiplier === undefined) return undefined;
  const bytes = Math.round(Number(match[1]) * multiplier);
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

export const roundUp = (value: number, step: number): number => Math.ceil(value / step) * step;
export const roundDown = (value: number, step: number): number => Math.floor(value / step) * step;
