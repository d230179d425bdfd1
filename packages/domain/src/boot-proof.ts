import type { ImageFormat } from './image.ts';

export const bootFirmwares = ['bios', 'uefi'] as const;
export type BootFirmware = (typeof bootFirmwares)[number];

/** What the disks hang on: AHCI, virtio-blk, virtio-scsi, VMware's paravirtual SCSI, PIIX IDE. */
export const bootControllers = ['sata', 'virtio', 'scsi', 'pvscsi', 'ide'] as const;
export type BootController = (typeof bootControllers)[number];

/**
 * `no-boot-device`: the firmware found nothing to start. `damaged-loader`: what it found does not get as far as a kernel.
 * `kernel-panic`, `emergency-shell`: the system started and gave up. `reset-loop`: it starts over and over.
 */
export type BootFailure = 'no-boot-device' | 'damaged-loader' | 'kernel-panic' | 'emergency-shell' | 'reset-loop';

/** `sign` is what was read from the guest; `reason` of the last two is a sentence. */
export type BootVerdict =
  | { readonly kind: 'booted'; readonly sign: string }
  | { readonly kind: 'failed'; readonly reason: BootFailure; readonly sign: string }
  | { readonly kind: 'unclear'; readonly reason: string }
  | { readonly kind: 'skipped'; readonly reason: string };

/** The host's virtualisation, or QEMU's emulation of a processor. */
export type BootAccelerator = 'kvm' | 'tcg';

/** The machine that a guest was started on. Sizes are bytes. */
export interface BootHardware {
  readonly firmware: BootFirmware;
  readonly controller: BootController;
  readonly accelerator: BootAccelerator;
  readonly memory: number;
  readonly cpus: number;
}

/** One start of the guest, and what it came to. */
export interface BootAttempt extends BootHardware {
  readonly verdict: BootVerdict;
  readonly elapsedMs: number;
  /** Bytes that the guest, firmware included, read from its disks. */
  readonly bytesRead: number;
  /** How often the picture changed. */
  readonly pictures: number;
}

/** Kept beside the images as `disk-0.boot.json`. Version 1; sizes are bytes, times ISO 8601 UTC. */
export interface BootRecord {
  readonly kind: 'hypersdk.boot-record';
  readonly version: 1;
  readonly tool: { readonly name: string; readonly version: string };
  readonly startedAt: string;
  readonly finishedAt: string;
  readonly exportId?: string;
  readonly vm?: string;
  readonly disks: readonly { readonly file: string; readonly format: ImageFormat; readonly virtualSize: number }[];
  /** What ran the guest; absent when nothing could. */
  readonly emulator?: { readonly program: string; readonly version: string; readonly accelerator: BootAccelerator; readonly sandbox: string };
  readonly attempts: readonly BootAttempt[];
  readonly verdict: BootVerdict;
  /** File names beside the record. */
  readonly serialLog?: string;
  readonly screenshot?: string;
}
