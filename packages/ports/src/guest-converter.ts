import type { BootAccelerator, BootFirmware, ImageFormat, ImageRef } from '@hypersdk/domain';
import type { Cancel } from './cancel.ts';

export interface ConversionRequest {
  /** Of the guest, for messages. */
  readonly name: string;
  readonly firmware: BootFirmware;
  /** What the converter itself may use: it looks at the disks from a small guest of its own. */
  readonly accelerator: BootAccelerator;
  /** Whole images that were inspected before and refer to no other file; in boot order. */
  readonly disks: readonly { readonly path: string; readonly format: ImageFormat }[];
  /** An empty folder on this machine, for the overlays and all that is temporary. Its maker removes it, after the overlays were read. */
  readonly work: string;
  readonly timeLimitMs: number;
}

/** What the converter does now, in its own words, and what it found worth saying. */
export interface ConversionNews {
  readonly kind: 'step' | 'note' | 'warning';
  readonly text: string;
}

export interface ConvertedGuest {
  /** Each disk as it is now, in the order of the request: an overlay in the work folder that lies on the original. */
  readonly disks: readonly ImageRef[];
  /** What the guest's owner should know of: what was not converted, or was left to the guest's first start. */
  readonly notes: readonly string[];
  readonly warnings: readonly string[];
}

export type ConverterReadiness =
  | { readonly ready: true; readonly program: string; readonly version: string; /** What shuts it in, for the record. */ readonly sandbox: string }
  /** Why nothing can be converted here: a sentence. */
  | { readonly ready: false; readonly reason: string };

/** Makes an installed system fit for KVM: drivers, boot loader, what the other hypervisor had installed. The images that it is given stay as they are. */
export interface GuestConverter {
  /** What a conversion here would be made with. Looks for real once, and remembers. */
  probe(o: Cancel): Promise<ConverterReadiness>;
  /**
   * Converts the system on the disks; everything that changes goes into overlays. `convert/unavailable` where there is no converter, `source/not-found` for a
   * missing image, `convert/failed` with the converter's words where a guest cannot be converted or the time is over. However it ends, nothing of it runs on.
   */
  convert(request: ConversionRequest, o: Cancel & { readonly onNews?: (news: ConversionNews) => void }): Promise<ConvertedGuest>;
}
