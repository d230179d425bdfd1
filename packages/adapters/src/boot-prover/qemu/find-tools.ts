import { constants } from 'node:fs';
import type { BootFirmware } from '@hypersdk/domain';
import { findProgram, isThere } from '../../find-program.ts';

export interface Tools {
  readonly qemu: string;
  /** Ends the emulator with this process, whatever ends this process. */
  readonly setpriv: string;
  readonly prlimit: string;
  /** What shuts the emulator in: bubblewrap by its path, or this program, which closes the file system and the network for it. Absent: nothing but limits. */
  readonly walls?: { readonly bubblewrap: string } | 'landlock';
}

export interface FoundTools {
  /** What there is, the best first: whether it works here is seen when it is tried. */
  readonly choices: readonly Tools[];
  /** Why there are none: a sentence. */
  readonly lack?: string;
}

/** Red Hat's builds have another name and are not on the PATH. */
const QEMU_NAMES = ['qemu-system-x86_64', 'qemu-kvm'] as const;
const FURTHER_FOLDERS = ['/usr/libexec', '/usr/sbin', '/sbin'] as const;

/** The programs that a proof needs, as absolute paths. Relative folders of the search path are not looked in. */
export function findTools(searchPath: readonly string[], o: { readonly unsandboxed: boolean }): FoundTools {
  const find = (...names: readonly string[]): string | undefined => findProgram(names, [...searchPath, ...FURTHER_FOLDERS]);
  const [qemu, setpriv, prlimit, bubblewrap] = [find(...QEMU_NAMES), find('setpriv'), find('prlimit'), find('bwrap')];
  if (qemu === undefined) return { choices: [], lack: 'QEMU is not installed (qemu-system-x86_64; package qemu-system-x86 or qemu-kvm).' };
  if (setpriv === undefined || prlimit === undefined) return { choices: [], lack: 'setpriv and prlimit are not installed (package util-linux).' };
  const tools = { qemu, setpriv, prlimit };
  const choices: readonly Tools[] = [
    ...(bubblewrap === undefined ? [] : [{ ...tools, walls: { bubblewrap } }]),
    { ...tools, walls: 'landlock' },
    ...(o.unsandboxed ? [tools] : []),
  ];
  return { choices };
}

/** Code that is mapped read-only, and a template of its variables, of which each machine gets a copy. */
export interface FirmwareFiles {
  readonly code: string;
  readonly variables: string;
}

// Where OVMF lies: Debian and Ubuntu, Fedora and RHEL, Arch, openSUSE, QEMU's own. Builds without Secure Boot, which would refuse loaders that start elsewhere.
const OVMF: readonly FirmwareFiles[] = [
  { code: '/usr/share/OVMF/OVMF_CODE_4M.fd', variables: '/usr/share/OVMF/OVMF_VARS_4M.fd' },
  { code: '/usr/share/OVMF/OVMF_CODE.fd', variables: '/usr/share/OVMF/OVMF_VARS.fd' },
  { code: '/usr/share/edk2/ovmf/OVMF_CODE.fd', variables: '/usr/share/edk2/ovmf/OVMF_VARS.fd' },
  { code: '/usr/share/edk2/x64/OVMF_CODE.4m.fd', variables: '/usr/share/edk2/x64/OVMF_VARS.4m.fd' },
  { code: '/usr/share/edk2-ovmf/x64/OVMF_CODE.fd', variables: '/usr/share/edk2-ovmf/x64/OVMF_VARS.fd' },
  { code: '/usr/share/qemu/ovmf-x86_64-4m-code.bin', variables: '/usr/share/qemu/ovmf-x86_64-4m-vars.bin' },
  { code: '/usr/share/qemu/edk2-x86_64-code.fd', variables: '/usr/share/qemu/edk2-i386-vars.fd' },
];

export const findOvmf = (): FirmwareFiles | undefined =>
  OVMF.find(({ code, variables }) => isThere(code, constants.R_OK) && isThere(variables, constants.R_OK));

/** QEMU brings SeaBIOS itself. */
export const firmwaresHere = (): readonly BootFirmware[] => (findOvmf() === undefined ? ['bios'] : ['bios', 'uefi']);
