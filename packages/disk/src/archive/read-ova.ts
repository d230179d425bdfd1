// DSP0243 2.1.1, "OVF package": an archive whose first entry is the descriptor.
import { ReadableDiskFile } from '../file/disk-file.ts';
import { refuseArchive, shown } from './archive-refusal.ts';
import { readTar, type TarMember } from './read-tar.ts';

/** The members of an OVA, the descriptor first. Reads headers only. */
export function readOva(path: string): readonly TarMember[] {
  using file = ReadableDiskFile.open(path);
  const members = readTar(file);
  const [first] = members;
  if (!first || !/\.ovf$/i.test(first.name)) {
    const why = first ? `it begins with ${shown(first.name)} and not with a descriptor` : 'it is empty';
    throw refuseArchive('archive/not-an-ova', why, { path, offset: 0 });
  }
  return members;
}
