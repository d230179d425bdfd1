import { findProgram } from '../../find-program.ts';

export interface Tools {
  readonly converter: string;
  readonly qemuImg: string;
  /** Shuts both in. Absent: nothing does. */
  readonly bubblewrap?: string;
}

/** Where Red Hat's packages keep programs that are for other programs. */
const FURTHER_FOLDERS = ['/usr/libexec'] as const;

/** The programs that a conversion needs, as absolute paths, or why there is none: a sentence. Relative folders of the search path are not looked in. */
export function findTools(
  searchPath: readonly string[],
  o: { readonly unsandboxed: boolean; readonly furtherFolders?: readonly string[] },
): Tools | { readonly lack: string } {
  const find = (name: string): string | undefined => findProgram([name], [...searchPath, ...(o.furtherFolders ?? FURTHER_FOLDERS)]);
  const [converter, qemuImg, bubblewrap] = [find('virt-v2v-in-place'), find('qemu-img'), find('bwrap')];
  if (converter === undefined) return { lack: 'virt-v2v is not installed (virt-v2v-in-place; package virt-v2v, 2.2 or newer).' };
  if (qemuImg === undefined) return { lack: 'qemu-img is not installed (package qemu-utils or qemu-img).' };
  if (bubblewrap !== undefined) return { converter, qemuImg, bubblewrap };
  if (o.unsandboxed) return { converter, qemuImg };
  return { lack: 'bubblewrap is not installed, without which virt-v2v would see all files here (package bubblewrap).' };
}
