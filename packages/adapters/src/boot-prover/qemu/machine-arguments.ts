import { HyperError, imageFormats, MIB, toQemuName, type BootAccelerator } from '@hypersdk/domain';
import type { BootMachine } from '@hypersdk/ports';
import type { FirmwareFiles } from './find-tools.ts';
import type { Sandbox } from './sandbox.ts';

export interface MachineParts {
  readonly sandbox: Pick<Sandbox, 'scratch' | 'images'>;
  /** As the emulator sees them; absent for a BIOS. */
  readonly ovmf?: FirmwareFiles;
}

export const QMP_SOCKET = 'qmp';

/** Translated code is 1 GiB by default, which no boot fills. */
const TRANSLATED_MIB = 256;

/** The machine begins paused, so that nobody's guest runs before somebody watches. */
export const toArguments = (machine: BootMachine, parts: MachineParts): readonly string[] =>
  [
    bareMachine(machine.accelerator),
    ['-machine', machine.controller === 'ide' ? 'pc' : 'q35'],
    ['-m', String(Math.ceil(machine.memory / MIB)), '-smp', String(machine.cpus)],
    ['-device', 'VGA', '-device', 'virtio-rng-pci', '-rtc', 'base=utc'],
    ['-S', '-no-shutdown'],
    ['-chardev', 'stdio,id=serial,signal=off', '-serial', 'chardev:serial'],
    ['-chardev', `socket,id=qmp,path=${escape(`${parts.sandbox.scratch}/${QMP_SOCKET}`)}`, '-mon', 'chardev=qmp,mode=control'],
    toFirmware(parts.ovmf),
    toDisks(machine, parts.sandbox.images),
  ].flat();

/** No default devices, no configuration of the user's, no network, no window, and a filter for system calls. */
export const bareMachine = (accelerator: BootAccelerator): readonly string[] =>
  [
    ['-nodefaults', '-no-user-config', '-display', 'none', '-nic', 'none'],
    accelerator === 'kvm' ? ['-accel', 'kvm', '-cpu', 'host'] : ['-accel', `tcg,tb-size=${TRANSLATED_MIB}`, '-cpu', 'max'],
    ['-sandbox', 'on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny'],
  ].flat();

const toFirmware = (ovmf: FirmwareFiles | undefined): readonly string[] =>
  ovmf === undefined
    ? []
    : [
        ['-drive', `if=pflash,unit=0,format=raw,readonly=on,file=${escape(ovmf.code)}`],
        ['-drive', `if=pflash,unit=1,format=raw,file=${escape(ovmf.variables)}`],
      ].flat();

export const canOpen = (format: string): boolean => imageFormats.some((known) => known === format);

function toDisks({ disks, controller }: BootMachine, images: readonly string[]): readonly string[] {
  const places = disks.map((_, at) => toPlace(controller, at));
  const controllers = [...new Set(places.flatMap(({ needs }) => needs))];
  const drives = disks.flatMap(({ format, isServed }, at) => {
    const node = {
      driver: toQemuName(format),
      // Whatever the header says of a backing file, none is opened.
      ...(format === 'qcow2' ? { backing: null } : {}),
      'read-only': true,
      file: isServed ? { driver: 'nbd', server: { type: 'unix', path: images[at] } } : { driver: 'file', filename: images[at] },
    };
    // An overlay of QEMU's own, in a file that has no name from the moment it is opened: it cannot outlive the machine.
    return ['-drive', `if=none,id=disk${at},snapshot=on,file=json:${escape(JSON.stringify(node))}`];
  });
  const devices = places.flatMap(({ device }, at) => ['-device', `${device},drive=disk${at},bootindex=${at + 1}`]);
  return [...controllers.flatMap((one) => ['-device', one]), ...drives, ...devices];
}

interface Place {
  readonly device: string;
  readonly needs: readonly string[];
}

/** The chip set's own AHCI has six ports, and so has each that is added. PIIX IDE has two channels of two. A parallel SCSI bus has sixteen targets. */
const PORTS = 6;
const IDE_DISKS_MAX = 4;
const BUS_DISKS_MAX = 16;

function toPlace(controller: BootMachine['controller'], at: number): Place {
  if (at >= (controller === 'ide' ? IDE_DISKS_MAX : BUS_DISKS_MAX))
    throw new HyperError('usage/invalid', `A ${controller} controller of the proof has no room for disk ${at + 1}; choose another or fewer disks.`);
  switch (controller) {
    case 'sata': {
      const [host, port] = [Math.floor(at / PORTS), at % PORTS];
      return host === 0
        ? { device: `ide-hd,bus=ide.${port}`, needs: [] }
        : { device: `ide-hd,bus=ahci${host}.${port}`, needs: [`ich9-ahci,id=ahci${host}`] };
    }
    case 'ide':
      return { device: `ide-hd,bus=ide.${Math.floor(at / 2)},unit=${at % 2}`, needs: [] };
    case 'virtio':
      return { device: 'virtio-blk-pci', needs: [] };
    case 'scsi':
      return { device: `scsi-hd,bus=scsi.0,scsi-id=${at}`, needs: ['virtio-scsi-pci,id=scsi'] };
    case 'pvscsi':
      return { device: `scsi-hd,bus=scsi.0,scsi-id=${at}`, needs: ['pvscsi,id=scsi'] };
  }
}

/** QEMU's option parser takes a comma for the end of a value unless it is doubled. */
const escape = (value: string): string => value.replaceAll(',', ',,');
