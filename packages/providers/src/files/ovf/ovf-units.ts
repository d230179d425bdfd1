// DSP0004 2.8, annex C.1 "Programmatic units", as far as OVF uses them; and the words that programs wrote before them.
import { refuseOvf } from './ovf-refusal.ts';
import { quote } from '../report.ts';

const WORDS: Readonly<Record<string, number>> = {
  byte: 1,
  bytes: 1,
  kilobytes: 2 ** 10,
  kb: 2 ** 10,
  megabytes: 2 ** 20,
  mb: 2 ** 20,
  gigabytes: 2 ** 30,
  gb: 2 ** 30,
  terabytes: 2 ** 40,
  tb: 2 ** 40,
};

/** `byte * 2^20`, `byte*10^9`, `byte * 1024`. */
const PROGRAMMATIC = /^byte ?\* ?(?:(2|10) ?\^ ?(\d{1,2})|(\d{1,15}))$/;

/** A quantity and its unit as bytes. Anything that is no size fails with `ovf/malformed-number`. */
export function toOvfBytes(text: string | undefined, unit: string, what: string): number {
  const count = text !== undefined && /^\d{1,16}$/.test(text.trim()) ? Number(text.trim()) : Number.NaN;
  const bytes = count * factorOf(unit, what);
  if (!Number.isSafeInteger(bytes)) throw refuseOvf('ovf/malformed-number', `${quote(text ?? '')} of ${quote(unit)} is no size of ${what}`);
  return bytes;
}

function factorOf(unit: string, what: string): number {
  const tidy = unit.trim().toLowerCase().replaceAll(/\s+/g, ' ');
  const word = Object.hasOwn(WORDS, tidy) ? WORDS[tidy] : undefined;
  if (word !== undefined) return word;
  const match = PROGRAMMATIC.exec(tidy);
  if (!match) throw refuseOvf('ovf/malformed-number', `the unit ${quote(unit)} of ${what} is not known`);
  return match[3] === undefined ? Number(match[1]) ** Number(match[2]) : Number(match[3]);
}
