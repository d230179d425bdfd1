import type { BootFailure } from '@hypersdk/domain';

/** What guests and their firmware say when they give up. The first that is found counts, so the gravest come first. */
export const failureSigns: readonly (readonly [BootFailure, RegExp])[] = [
  // Linux, kernel/panic.c; the BSDs begin the line with the word.
  ['kernel-panic', /^.*Kernel panic - not syncing.*$/m],
  ['kernel-panic', /^panic: .+$/m],
  ['kernel-panic', /^.*\*\*\* STOP: 0x[0-9A-F]{8}.*$/m],
  // initramfs-tools, dracut and systemd hand over to a shell when there is no root file system.
  ['emergency-shell', /^.*ALERT!.*does not exist.*$/m],
  ['emergency-shell', /^\(initramfs\).*$/m],
  ['emergency-shell', /^dracut:\/#.*$/m],
  ['emergency-shell', /^.*You are in (?:emergency|rescue) mode.*$/im],
  ['emergency-shell', /^.*Entering emergency mode.*$/im],
  ['emergency-shell', /^.*Give root password for maintenance.*$/im],
  ['emergency-shell', /^.*Reached target.*(?:Emergency|Rescue) (?:Mode|Shell).*$/im],
  // Boot loaders that do not find their parts or their kernel.
  ['damaged-loader', /^grub rescue>.*$/m],
  ['damaged-loader', /^grub> ?$/m],
  ['damaged-loader', /^.*(?:Missing|Error loading) operating system.*$/im],
  ['damaged-loader', /^.*Invalid partition table.*$/im],
  ['damaged-loader', /^.*(?:BOOTMGR|NTLDR) is missing.*$/m],
  ['damaged-loader', /^.*Failed to load (?:COM32 file )?ldlinux.*$/im],
  ['damaged-loader', /^.*Could not find kernel image.*$/m],
  ['damaged-loader', /^.*No DEFAULT or UI configuration directive found.*$/m],
];

/** The firmware's last words: nothing that it could start is left. SeaBIOS, then OVMF's boot manager and its shell. */
export const nothingToStart: readonly RegExp[] = [
  /^.*No bootable (?:device|medium|option|disk).*$/im,
  /^.*An operating system wasn't found.*$/im,
  /^.*UEFI Interactive Shell.*$/m,
  /^Shell> ?$/m,
];

/** OVMF found a boot option and could not start it; a missing one is "Not Found". Edk2, BdsBoot.c. */
export const refusedByUefi = /^.*BdsDxe: failed to (?:load|start) .*: (?!Not Found|No Media|Time out)\w.*$/m;

/** What SeaBIOS says when it hands over to a boot sector, with nothing from the guest after it. */
export const handedOver = /Booting from Hard Disk\.{0,3}\s*$/;

/** Systems that are up say so. */
export const bootedSigns: readonly RegExp[] = [
  /^.*\blogin: ?$/m,
  /^.*Reached target.*(?:Multi-User|Graphical).*$/im,
  /^.*Cloud-init v\. .*finished at.*$/m,
  // Windows' Special Administration Console.
  /^SAC> ?$/m,
];
