import type { BootAccelerator, BootFirmware, BootHardware, ImageFormat } from '@hypersdk/domain';
import type { Cancel } from './cancel.ts';

/** An image that was inspected before. Files that it refers to are part of it. */
export interface BootDisk {
  readonly path: string;
  /** The only format that it is opened as; nothing is detected. */
  readonly format: ImageFormat;
  /** Plain names of further files in its folder that it consists of, such as the extents of a VMDK. Nothing else is visible to the emulator. */
  readonly beside: readonly string[];
  /** `path` is a UNIX socket, and the disk what an NBD server offers there without a name: raw bytes, wherever they come from. */
  readonly isServed?: true;
}

export interface BootMachine extends BootHardware {
  /** In the order in which the firmware tries them. */
  readonly disks: readonly BootDisk[];
}

export type BootReadiness =
  | {
      readonly ready: true;
      readonly program: string;
      readonly version: string;
      /** What was seen to run a guest here, not what the host claims to have. */
      readonly accelerator: BootAccelerator;
      readonly firmwares: readonly BootFirmware[];
      /** What shuts the emulator in, for the record. */
      readonly sandbox: string;
    }
  /** Why there can be no proof here: a sentence. */
  | { readonly ready: false; readonly reason: string };

export interface BootScreen {
  readonly width: number;
  readonly height: number;
  /** The picture as a PNG file. */
  readonly png: Uint8Array;
  /** Equal pictures have equal ones. */
  readonly digest: string;
  /** All of one colour. */
  readonly isBlank: boolean;
}

/** What a running guest shows at one moment. */
export interface BootObservation {
  /** Milliseconds since its first instruction. */
  readonly elapsedMs: number;
  /** Everything that it wrote to its first serial port; of very much the beginning and the end. */
  readonly serial: Uint8Array;
  /** Lines in the memory of a screen in text mode, the ones scrolled away included; absent in graphics mode. */
  readonly text?: readonly string[];
  readonly screen?: BootScreen;
  /** Bytes read from and written to all disks since the start. */
  readonly bytesRead: number;
  readonly bytesWritten: number;
  /** How often the guest started over. */
  readonly resets: number;
  /** `broken`: the emulator ended without being asked to; `why` is what it said. */
  readonly state: 'running' | 'off' | 'broken';
  readonly why?: string;
}

/** Starts a guest from images that stay as they are, on a machine without a network that is thrown away afterwards, and shows what it does. */
export interface BootProver {
  /** What a proof here would run on. Looks for real once, and remembers. */
  probe(o: Cancel): Promise<BootReadiness>;
  /**
   * Starts the guest and answers an observation about every half second, until the guest is off or broken: that one is the last.
   * The images are opened for reading only; what the guest writes is gone with it. Leaving the iteration, or the end of this process by whatever means,
   * ends the guest; when the iteration has ended nothing of it is left. `boot/unavailable` where no guest can be started, `source/not-found` for a missing image.
   */
  boot(machine: BootMachine, o: Cancel): AsyncIterable<BootObservation>;
}
