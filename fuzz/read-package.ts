import { HyperError } from '@hypersdk/domain';
import { readTar } from '../packages/disk/src/archive/read-tar.ts';
import { MemoryFile } from '../packages/disk/src/file/memory-file.ts';
import { checkCertificate, parseManifest } from '../packages/providers/src/files/ovf/ovf-manifest.ts';
import { parseOvfMachine } from '../packages/providers/src/files/ovf/ovf-machine.ts';

export type PackagePart = 'archive' | 'descriptor' | 'manifest' | 'certificate';

const readers: Readonly<Record<PackagePart, (bytes: Uint8Array) => void>> = {
  archive: (bytes) => checkMembers(bytes),
  descriptor: (bytes) => checkDisks(decode(bytes)),
  manifest: (bytes) => void parseManifest(decode(bytes)),
  certificate: (bytes) => void checkCertificate(decode(bytes), { name: 'vm.mf', bytes: new Uint8Array(3) }),
};

/** Does with a part of a package what a listing does. Answers whether it was refused; anything thrown but a HyperError is a defect and goes through. */
export function readPackage(part: PackagePart, bytes: Uint8Array): 'read' | 'refused' {
  try {
    readers[part](bytes);
    return 'read';
  } catch (error) {
    if (error instanceof HyperError && error.code !== 'internal/unexpected') return 'refused';
    throw error;
  }
}

const decode = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** Members that lie outside, over each other, or under a name that leads somewhere, are a defect. */
function checkMembers(bytes: Uint8Array): void {
  let end = 0;
  for (const { name, offset, length } of readTar(new MemoryFile(bytes))) {
    if (offset < end || offset + length > bytes.length || /[/\\\0]|^\.{0,2}$/.test(name))
      throw new Error(`A member ${JSON.stringify(name)} lies wrong.`);
    end = offset + length;
  }
}

function checkDisks(text: string): void {
  for (const { file } of parseOvfMachine(text).disks) if (/[/\\:\0]|^\.{0,2}$/.test(file)) throw new Error(`A disk lies in ${JSON.stringify(file)}.`);
}
