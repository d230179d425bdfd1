// Microsoft FAT32 File System Specification 1.03, "FAT Long Directory Entries": names, their limits, and the basis-name algorithm.

/** Both names of one entry. */
export interface EntryNames {
  /** Eight characters and an ending of three, padded with spaces, without the dot. */
  readonly short: string;
  /** Absent where the short name says it all. */
  readonly long?: string;
}

const LONG_NAME_MAX = 255;
const FORBIDDEN = /[\u0000-\u001F"*/:<>?\\|]/;

/** Whether a long name can be stored as it is: no forbidden character, and no dot or space that readers would strip from the end. */
export const isStorable = (name: string): boolean =>
  name !== '' && name.length <= LONG_NAME_MAX && !FORBIDDEN.test(name) && !/[. ]$/.test(name) && !name.startsWith(' ');

const NOT_SHORT = /[^A-Z0-9$%'\-_@~`!(){}^#&]/g;

/** Gives the entries of one folder short names that are unique in it. */
export class ShortNames {
  readonly #taken = new Set<string>();
  readonly #next = new Map<string, number>();

  take(name: string): EntryNames {
    const { base, ending } = splitName(name);
    const fits = base.length <= 8 && ending.length <= 3;
    const exact = (ending === '' ? base : `${base}.${ending}`) === name;
    const plain = pad(base, ending);
    if (fits && exact && !this.#taken.has(plain)) return this.#use(plain, undefined);
    return this.#use(this.#withTail(base, ending.slice(0, 3)), name);
  }

  #use(short: string, long: string | undefined): EntryNames {
    this.#taken.add(short);
    return long === undefined ? { short } : { short, long };
  }

  /** `LONGNA~1`, `LONGNA~2`, …: the base gives way to the number. */
  #withTail(base: string, ending: string): string {
    const family = pad(base.slice(0, 6), ending);
    for (let number = this.#next.get(family) ?? 1; ; number += 1) {
      const tail = `~${number}`;
      const short = pad(base.slice(0, 8 - tail.length) + tail, ending);
      if (this.#taken.has(short)) continue;
      this.#next.set(family, number + 1);
      return short;
    }
  }
}

/** The parts of a name in the characters that short names have. Leading dots and spaces fall away, the last dot begins the ending. */
function splitName(name: string): { readonly base: string; readonly ending: string } {
  const text = name.toUpperCase().replaceAll(' ', '').replace(/^\.+/, '');
  const dot = text.lastIndexOf('.');
  const base = dot < 0 ? text : text.slice(0, dot);
  const clean = (part: string): string => part.replaceAll(NOT_SHORT, '_');
  return { base: clean(base) || '_', ending: clean(dot < 0 ? '' : text.slice(dot + 1)) };
}

const pad = (base: string, ending: string): string => base.slice(0, 8).padEnd(8) + ending.slice(0, 3).padEnd(3);
