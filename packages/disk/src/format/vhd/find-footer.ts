// Virtual Hard Disk Image Format Specification 1.0, "Dynamic Hard Disk Image": a copy of the footer stands at the front, and helps when the end is damaged.
import type { ByteFile } from '../../file/byte-file.ts';
import { FOOTER_SIZE, footerAtEnd, footerAtStart, type FoundFooter } from './footer.ts';
import { malformed } from './vhd-refusal.ts';

export interface ChosenFooter extends FoundFooter {
  /** `whole`: both copies, or the only one of a fixed disk, are sound. */
  readonly state: 'whole' | 'copy at the end damaged' | 'copy at the front damaged';
}

/** The footer of the file: the one at its end, unless only the copy at the front is sound. */
export function findFooter(file: ByteFile): ChosenFooter {
  const { path, size } = file;
  const tail = new Uint8Array(Math.min(FOOTER_SIZE, size));
  file.read(size - tail.length, tail);
  const end = footerAtEnd(tail, size);
  const front = footerAtStart(file);
  if ('why' in end) {
    // A fixed disk has no copy: what a guest wrote at its front is not believed.
    if ('why' in front || front.footer.type === 'fixed') throw malformed(end.why, { path, offset: Math.max(0, size - FOOTER_SIZE) + end.at });
    return { ...front, state: 'copy at the end damaged' };
  }
  if (end.footer.type === 'fixed') {
    // Programs that look at the front first would take this file for what a guest made of it.
    if (!('why' in front)) throw malformed('it ends as a fixed disk and begins with the footer of another', { path, offset: 0 });
    return { ...end, state: 'whole' };
  }
  if ('why' in front) return { ...end, state: 'copy at the front damaged' };
  if (!isSameDisk(end, front)) throw malformed('its footer and the copy of it at the front are of two disks', { path, offset: 0 });
  return { ...end, state: 'whole' };
}

/** The copies may differ in a time stamp that only one of them got. */
const isSameDisk = ({ footer: a }: FoundFooter, { footer: b }: FoundFooter): boolean =>
  a.type === b.type && a.uniqueId === b.uniqueId && a.headerOffset === b.headerOffset && a.currentSize === b.currentSize && a.creator === b.creator;
