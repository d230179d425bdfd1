import { basename } from 'node:path';
import type { ImageRef } from '@hypersdk/domain';
import type { Cancel } from '@hypersdk/ports';
import type { BootSubject } from '@hypersdk/usecases';
import type { Services } from '../services.ts';
import { serveGuest } from './serve-guest.ts';

type Disk = BootSubject['disks'][number];
type DiskFile = Exclude<Disk, { readonly socket: string }>;

export interface ServedSubject extends AsyncDisposable {
  readonly subject: BootSubject;
}

/** What is needed to read a file here, its key where it is encrypted. */
export type DiskReferrer = (disk: DiskFile) => Promise<ImageRef>;

/** Has the disks served that an emulator cannot open as they lie, which are in volumes, in an OVA or encrypted, until disposal. */
export async function serveDisks(
  services: Services,
  subject: BootSubject,
  { signal, refer }: Cancel & { readonly refer: DiskReferrer },
): Promise<ServedSubject> {
  await using opened = new AsyncDisposableStack();
  const reachable = async (disk: Disk): Promise<Disk> => {
    if ('socket' in disk) return disk;
    const image = await refer(disk);
    if (isFileByItself(image)) return disk;
    return opened.use(await serveGuest(services, { kind: 'image', image }, { signal, shown: basename(disk.path) })).disk;
  };
  const disks: Disk[] = [];
  for (const disk of subject.disks) disks.push(await reachable(disk));
  const kept = opened.move();
  return { subject: { ...subject, disks }, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

const isFileByItself = ({ slice, volumes, fileKey }: ImageRef): boolean => slice === undefined && volumes === undefined && fileKey === undefined;
