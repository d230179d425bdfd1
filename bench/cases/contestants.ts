import { installedProgram, programsFolder } from '../harness/bundle.ts';
import type { Contestant, Paths } from '../harness/bench-case.ts';
import type { ImageName } from '../images/bench-images.ts';

const program = (name: string): string => `${programsFolder}/${name}.mjs`;

export const PURE = { HYPERSDK_NATIVE: 'off' } as const;

interface Ours {
  readonly name: string;
  readonly image: ImageName;
  readonly options: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** The product's engine, bundled. */
export const ours = ({ name, image, options, env }: Ours): Contestant => ({
  name,
  command: (paths) => ({ argv: [process.execPath, program('convert'), paths.image(image), paths.output, ...options], ...(env ? { env } : {}) }),
});

/** Nothing but the work that cannot be left out, on all cores. */
export const bare = (name: string, o: { readonly image: ImageName; readonly work: string; readonly threads?: number }): Contestant => ({
  ...peer(name, {
    image: o.image,
    argv: [process.execPath, program('floor'), 'IN', o.work, o.work === 'copy' ? 'OUT' : '', String(o.threads ?? '')],
  }),
  isBare: true,
});

interface OurProgram {
  readonly program: 'digest' | 'hash-file';
  readonly image: ImageName;
  readonly options?: readonly string[];
}

export const ourProgram = (name: string, { program: file, image, options = [] }: OurProgram): Contestant => ({
  name,
  command: (paths) => ({ argv: [process.execPath, program(file), paths.image(image), ...options] }),
});

/** The product's engine, reading what nbdkit serves of the image. */
export const oursOverNbd = (name: string, o: { readonly image: ImageName; readonly options: string }): Contestant =>
  peer(name, { image: o.image, argv: overNbd(`${process.execPath} ${program('convert')} "$uri" OUT ${o.options}`) });

/** The product's engine, reading the image on the web server. */
export const oursOverWeb = (
  name: string,
  o: { readonly image: ImageName; readonly url: 'HTTP_URL' | 'HTTPS_URL'; readonly options: readonly string[] },
): Contestant => peer(name, { image: o.image, argv: [process.execPath, program('convert'), o.url, 'OUT', '--authority', 'CA_FILE', ...o.options] });

/** The program as people run it, all its proofs on: the backup, the copy with its hash tree, synced, read back in full, signed. */
export const exportFromLibvirt = (name: string, o: { readonly image: ImageName; readonly options: string }): Contestant =>
  peer(name, {
    image: o.image,
    argv: shell(
      `rm -rf OUT.export; mkdir OUT.export; HYPERSDK_STATE=SCRATCH/state ${process.execPath} ${installedProgram} export 'LIBVIRT_URI' GUEST --to OUT.export --scratch SCRATCH ${o.options} >OUT.export/said; mv OUT.export/GUEST/disk-0.raw OUT; rm -rf OUT.export`,
    ),
  });

/** A backup begun and ended by virsh, and read in between. */
export const backupWithVirsh = (name: string, o: { readonly image: ImageName; readonly read: string }): Contestant =>
  peer(name, {
    image: o.image,
    argv: shell(
      `virsh -q -c 'LIBVIRT_URI' backup-begin GUEST BACKUP_FILE >SCRATCH/said; ${o.read}; virsh -q -c 'LIBVIRT_URI' domjobabort GUEST; while virsh -q -c 'LIBVIRT_URI' backup-dumpxml GUEST >SCRATCH/said 2>&1; do sleep 0.02; done`,
    ),
  });

const shell = (script: string): readonly string[] => ['bash', '-e', '-o', 'pipefail', '-c', script];

/** A command beside a server of its own; both count, for every contestant alike. */
export const overNbd = (client: string): readonly string[] => ['nbdkit', '-U', '-', 'file', 'IN', '--run', client];

/** Any command, where `IN` and `OUT` stand for the paths, and `HTTP_URL`, `LIBVIRT_URI` and the like for what the place of the case has. */
export const peer = (name: string, o: { readonly argv: readonly string[]; readonly image: ImageName; readonly family?: string }): Contestant => ({
  name,
  ...(o.family === undefined ? {} : { family: o.family }),
  command: (paths) => ({ argv: o.argv.map((word) => place(word, o.image, paths)) }),
});

function place(word: string, image: ImageName, { web, hypervisor, ...paths }: Paths): string {
  const named: Readonly<Record<string, string | undefined>> = {
    IN: paths.image(image),
    OUT: paths.output,
    HTTP_URL: web?.http,
    HTTPS_URL: web?.https,
    CA_FILE: web?.authorityFile,
    LIBVIRT_URI: hypervisor?.uri,
    NBD_URI: hypervisor?.nbd,
    BACKUP_FILE: hypervisor?.backupFile,
    SCRATCH: hypervisor?.scratch,
    GUEST: hypervisor?.guest,
  };
  // All at once: a path may hold any of these words.
  return word.replaceAll(/HTTPS_URL|HTTP_URL|CA_FILE|LIBVIRT_URI|NBD_URI|BACKUP_FILE|SCRATCH|GUEST|IN|OUT/g, (name) => named[name] ?? name);
}

/** qemu-img with the settings that may be its best: as it comes, many coroutines with writes out of order, and copy offloading (not with compression). */
export function qemuImg(image: ImageName, options: readonly string[]): readonly Contestant[] {
  const settings: readonly (readonly [string, readonly string[]])[] = [
    ['qemu-img', []],
    ['qemu-img -m16 -W', ['-m', '16', '-W']],
    ...(options.includes('-c') || options.includes('subformat=streamOptimized') ? [] : [['qemu-img -C', ['-C']] as const]),
  ];
  return settings.map(([name, extra]) => peer(name, { image, family: 'qemu-img', argv: ['qemu-img', 'convert', ...extra, ...options, 'IN', 'OUT'] }));
}
