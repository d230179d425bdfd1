import { constants, open } from 'node:fs/promises';
import { HyperError } from '@hypersdk/domain';
import type { DescribedVM } from './described-vm.ts';
import { endingOf } from './file-role.ts';
import type { Folder, PlacedFile } from './folder.ts';
import { parseLibvirtDomain } from './libvirt-domain.ts';
import { parseOvfMachine } from './ovf/ovf-machine.ts';
import { openPackage, readPackaged, toText } from './ovf/ovf-package.ts';
import { parseVmxMachine } from './vmx-machine.ts';

/** A VM with hundreds of disks needs a tenth of this. */
const SIZE_MAX = 1024 * 1024;

/** What the descriptor says; undefined when it is about something else than a VM. Fails with `document/malformed` or `source/unreadable`, of a package also as its reader does. */
export async function readDescriptor(file: PlacedFile, folder: Folder): Promise<DescribedVM | undefined> {
  if (['ova', 'ovf'].includes(endingOf(file.place))) return readPackage(file, folder);
  const bytes = await readWhole(file);
  return endingOf(file.place) === 'vmx' ? parseVmxMachine(bytes) : parseLibvirtDomain(toText(bytes, file.place));
}

async function readPackage(file: PlacedFile, folder: Folder): Promise<DescribedVM> {
  const from = openPackage(folder, file);
  const { descriptor } = from;
  return { ...parseOvfMachine(toText(await readPackaged(descriptor), descriptor.name)), from };
}

async function readWhole({ path, place }: PlacedFile): Promise<Uint8Array> {
  const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch((cause: unknown) => {
    throw new HyperError('source/unreadable', `The descriptor ${JSON.stringify(place)} cannot be opened.`, { cause });
  });
  try {
    const status = await handle.stat();
    if (!status.isFile() || status.size > SIZE_MAX)
      throw new HyperError('document/malformed', `${JSON.stringify(place)} is no descriptor: it is larger than ${SIZE_MAX} bytes or no file.`);
    // One byte more than it had, so that a file that grows meanwhile is cut and not read without end.
    const bytes = new Uint8Array(status.size + 1);
    const { bytesRead } = await handle.read(bytes, 0, bytes.length, 0);
    return bytes.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}
