import { parseBytes } from '@hypersdk/domain';

/** A part of the day, in minutes since midnight. One that ends before it begins goes past midnight. */
interface RateWindow {
  readonly from: number;
  readonly to: number;
  readonly rate: Rate;
}

/** Bytes a second; undefined = as fast as it goes. */
type Rate = number | undefined;

/** A limit that may depend on the time of day. */
export interface RateLimit {
  readonly windows: readonly RateWindow[];
  /** Outside all windows. */
  readonly otherwise: Rate;
  /** As it can be typed again, the same for every way to say it. */
  readonly text: string;
}

/** A day has only so many hours that anyone tells apart. */
const WINDOWS_MAX = 48;
const MINUTES_A_DAY = 24 * 60;

/** `50M`, or windows of local time and a rest: `08:00-18:00=50M,*=500M`. The first window that fits counts; without `*` the rest has no limit. */
export function parseRateLimit(text: string): RateLimit {
  if (!text.includes('=')) return toLimit([], parseRate(text));
  const parts = text.split(',');
  if (parts.length > WINDOWS_MAX) throw new Error(`it has more than ${WINDOWS_MAX} parts.`);
  const windows: RateWindow[] = [];
  let otherwise: { readonly rate: Rate } | undefined;
  for (const part of parts) {
    const [when = '', rate = '', ...more] = part.trim().split('=');
    if (more.length > 0) throw new Error(`"${part}" has more than one "=".`);
    if (when !== '*') windows.push({ ...parseWindow(when), rate: parseRate(rate) });
    else if (otherwise) throw new Error('"*" is given twice.');
    else otherwise = { rate: parseRate(rate) };
  }
  return toLimit(windows, otherwise?.rate);
}

/** What holds at a minute of the day. */
export function rateAt({ windows, otherwise }: RateLimit, minute: number): Rate {
  const window = windows.find(({ from, to }) => (from < to ? minute >= from && minute < to : minute >= from || minute < to));
  return window ? window.rate : otherwise;
}

function toLimit(windows: readonly RateWindow[], otherwise: Rate): RateLimit {
  if (windows.length === 0) return { windows, otherwise, text: rateText(otherwise) };
  const parts = windows.map(({ from, to, rate }) => `${timeText(from)}-${timeText(to)}=${rateText(rate)}`);
  return { windows, otherwise, text: [...parts, `*=${rateText(otherwise)}`].join(',') };
}

function parseWindow(text: string): Pick<RateWindow, 'from' | 'to'> {
  const match = /^(\d{1,2}):(\d{2})-(\d{1,2}):(\d{2})$/.exec(text.trim());
  const [from, to] = [toMinute(match?.[1], match?.[2]), toMinute(match?.[3], match?.[4])];
  if (from === undefined || to === undefined || from === MINUTES_A_DAY) throw new Error(`"${text}" must be a time of day such as 08:00-18:00, or *.`);
  return { from, to: to % MINUTES_A_DAY };
}

/** 24:00 is the end of a day. */
function toMinute(hour: string | undefined, minute: string | undefined): number | undefined {
  const at = Number(hour) * 60 + Number(minute);
  return Number(minute) < 60 && at <= MINUTES_A_DAY ? at : undefined;
}

function parseRate(text: string): Rate {
  if (text.trim() === 'none') return undefined;
  const bytes = parseBytes(text);
  if (bytes === undefined || bytes < 1) throw new Error('it must be a size such as 512K, 50M or 1.5G, or times of day: 08:00-18:00=50M,*=500M.');
  return bytes;
}

const rateText = (rate: Rate): string => (rate === undefined ? 'none' : String(rate));

const timeText = (minute: number): string => [Math.floor(minute / 60), minute % 60].map((part) => String(part).padStart(2, '0')).join(':');
