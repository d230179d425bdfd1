import type { BootAccelerator, BootAttempt, BootController, BootFirmware } from '@hypersdk/domain';

export interface HardwareChoice {
  /** What the platform or the user says; absent: both are tried. */
  readonly firmware?: BootFirmware;
  /** The only one for which the disk carries boot code: it comes first, and the other is still tried when it does not boot. */
  readonly likely?: BootFirmware;
  /** Absent: the usual one first, others when the guest does not find its root. */
  readonly controller?: BootController;
  /** The best that runs here. */
  readonly accelerator: BootAccelerator;
}

export type Hardware = Pick<BootAttempt, 'firmware' | 'controller' | 'accelerator'>;

/** Nearly every system brings a driver for AHCI; one that was installed on another controller may have left it out of its initial RAM disk. */
const CONTROLLERS: readonly BootController[] = ['sata', 'virtio', 'scsi'];

/** What to start the guest on next, given how it went so far; nothing when another machine would not help. */
export function nextHardware(tried: readonly BootAttempt[], choice: HardwareChoice): Hardware | undefined {
  const last = tried.at(-1);
  if (last === undefined)
    return { firmware: choice.firmware ?? choice.likely ?? 'bios', controller: choice.controller ?? 'sata', accelerator: choice.accelerator };
  return alternatives(last, choice).find((one) => !tried.some((before) => isSame(before, one)));
}

const isSame = (a: Hardware, b: Hardware): boolean => a.firmware === b.firmware && a.controller === b.controller && a.accelerator === b.accelerator;

function alternatives({ firmware, controller, accelerator, verdict }: BootAttempt, choice: HardwareChoice): readonly Hardware[] {
  // Nested virtualisation may run firmware and hang in the kernel that follows; emulation does not.
  if (verdict.kind === 'unclear' && accelerator === 'kvm') return [{ firmware, controller, accelerator: 'tcg' }];
  if (verdict.kind !== 'failed') return [];
  if (verdict.reason === 'no-boot-device' || verdict.reason === 'damaged-loader')
    return choice.firmware === undefined ? [{ firmware: firmware === 'bios' ? 'uefi' : 'bios', controller, accelerator }] : [];
  const lacksRoot = verdict.reason === 'emergency-shell' || /unable to mount root/i.test(verdict.sign);
  return lacksRoot && choice.controller === undefined ? CONTROLLERS.map((one) => ({ firmware, controller: one, accelerator })) : [];
}

/** How far a guest got: what is to be reported of several attempts. */
const rankOf = ({ verdict }: BootAttempt): number => {
  if (verdict.kind === 'booted') return 6;
  if (verdict.kind === 'unclear') return 2;
  if (verdict.kind === 'skipped') return 0;
  return { 'kernel-panic': 5, 'emergency-shell': 5, 'reset-loop': 4, 'damaged-loader': 3, 'no-boot-device': 1 }[verdict.reason];
};

/** The attempt that got furthest; of equals the first, which is on the machine that was asked for. */
export function furthest<T extends { readonly attempt: BootAttempt }>(attempts: readonly T[]): T | undefined {
  return attempts.reduce<T | undefined>((best, one) => (best !== undefined && rankOf(best.attempt) >= rankOf(one.attempt) ? best : one), undefined);
}
