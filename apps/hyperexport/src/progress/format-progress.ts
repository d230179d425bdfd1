import { formatBytes } from '@hypersdk/domain';
import type { Estimate } from './eta.ts';

/** `0:07`, `12:40`, `3:05:10`; days as `2 d 4 h`. Rounded up, so that it never says zero while there is work. */
export function formatDuration(ms: number): string {
  const seconds = Math.ceil(ms / 1000);
  const two = (value: number): string => String(value).padStart(2, '0');
  if (seconds >= 48 * 3600) return `${Math.floor(seconds / 86_400)} d ${Math.floor((seconds % 86_400) / 3600)} h`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}:${two(seconds % 60)}`;
  return `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(seconds % 60)}`;
}

/** Half a word for the eye: `812 MiB/s`. */
export const formatSpeed = (speed: number | undefined): string => (speed === undefined ? '…' : `${formatBytes(speed)}/s`);

/** `0:41 left`, `ending`, `stalled 0:12`, or `…` while nothing is known. */
export function formatRemaining(one: Estimate): string {
  if (one.stalledMs > 0) return `stalled ${formatDuration(one.stalledMs)}`;
  if (one.remainingMs === undefined) return '…';
  return one.remainingMs === 0 ? 'ending' : `${formatDuration(one.remainingMs)} left`;
}

/** 99 until it is true: only what is finished is 100. */
export const formatPercent = (fraction: number): string => `${Math.min(fraction < 1 ? 99 : 100, Math.floor(fraction * 100))}%`;

/** A bar `width` columns wide. The last eighth counts, so that slow work is seen to move. */
export function drawBar(fraction: number, o: { readonly width: number; readonly unicode: boolean }): string {
  const clamped = Math.max(0, Math.min(1, fraction));
  if (!o.unicode) {
    const full = Math.floor(clamped * o.width);
    return '#'.repeat(full) + '-'.repeat(o.width - full);
  }
  const eighths = Math.floor(clamped * o.width * 8);
  const full = Math.floor(eighths / 8);
  const part = eighths % 8 === 0 || full === o.width ? '' : (PARTS[eighths % 8] ?? '');
  return '█'.repeat(full) + part + '░'.repeat(o.width - full - part.length);
}

const PARTS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'] as const;
