import { MIB } from '@hypersdk/domain';

/** No VM of any platform has more; a descriptor with more is cut there and said to be. */
export const DISKS_MAX = 256;
export const NICS_MAX = 256;

/** As many characters of a descriptor's text as anyone can read. */
const TEXT_MAX = 256;

/** The text in one line without control characters, cut to a bearable length; undefined when nothing is left. */
export function tidyText(text: string | undefined): string | undefined {
  const tidy = text?.replaceAll(/[\p{Cc}\p{Cf}\s]+/gu, ' ').trim();
  return tidy === undefined || tidy === ''
    ? undefined
    : Array.from(tidy.slice(0, TEXT_MAX * 2))
        .slice(0, TEXT_MAX)
        .join('');
}

/** A whole number in its range; undefined for anything else, since a descriptor may say what it likes. */
export function countWithin(text: string | undefined, max: number): number | undefined {
  if (text === undefined || !/^\s*\d{1,15}\s*$/.test(text)) return undefined;
  const count = Number(text);
  return count >= 1 && count <= max ? count : undefined;
}

/** Memory of a VM in bytes, when it is a size that a VM can have. */
export const memoryOf = (bytes: number): number | undefined => (Number.isSafeInteger(bytes) && bytes >= MIB ? bytes : undefined);

/** A MAC address in the usual spelling; undefined when it is none. */
export function macOf(text: string | undefined): string | undefined {
  const mac = text?.trim().toLowerCase().replaceAll('-', ':');
  return mac !== undefined && /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/.test(mac) ? mac : undefined;
}

/** Leaves out the fields that are undefined, since an absent field and an undefined one are not the same to a reader. */
export function present<T extends Readonly<Record<string, unknown>>>(fields: T): { readonly [K in keyof T]?: Exclude<T[K], undefined> };
export function present(fields: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
