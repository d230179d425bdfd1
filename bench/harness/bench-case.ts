import type { ImageName } from '../images/bench-images.ts';
import type { Command } from './measure.ts';

/** The image of a case on a web server. */
export interface Web {
  readonly http: string;
  readonly https: string;
  /** PEM of who signed the certificate of `https`. */
  readonly authorityFile: string;
}

/** The image as the disk of a guest that runs, under a libvirt daemon. */
export interface Hypervisor {
  readonly uri: string;
  readonly guest: string;
  /** Where backups of it may lie. */
  readonly scratch: string;
  /** A pull-mode backup of the guest, as virsh takes it, and the NBD address that it is read at. */
  readonly backupFile: string;
  readonly nbd: string;
}

/** Where a contestant finds its input and leaves its output. */
export interface Paths {
  image(name: ImageName): string;
  readonly output: string;
  /** In cases whose place it is. */
  readonly web?: Web;
  readonly hypervisor?: Hypervisor;
}

export interface Contestant {
  readonly name: string;
  /**
   * Contestants of one family are settings of one program: after the warm-up only its best goes on. Without a family a contestant always goes on.
   */
  readonly family?: string;
  /** Does the unavoidable work and nothing else: what it writes is no image. */
  readonly isBare?: boolean;
  readonly command: (paths: Paths) => Command;
}

/** A binding bar: ours over the best of the peers named, in one run. */
export interface Goal {
  readonly ours: string;
  /** Names or families; the fastest of them counts. */
  readonly peers: readonly string[];
  readonly measure: 'wall' | 'cpu' | 'size' | 'memory';
  /** A ratio; of memory, MiB of the process, whatever a peer may need. */
  readonly atMost: number;
  /**
   * The unavoidable work and nothing else: contestants whose wall times are added, or taken away after a minus.
   */
  readonly limit?: readonly string[];
}

export interface BenchCase {
  /** As the goals count. */
  readonly id: string;
  readonly title: string;
  readonly image: ImageName;
  /** Format that the output must have and whose content must equal the image; absent when nothing is written. */
  readonly output?: 'raw' | 'qcow2' | 'vmdk';
  /** `reflink`: on a file system that shares blocks; needs root. `web`: the image on a web server too. `hypervisor`: as the disk of a guest that runs. */
  readonly place?: 'cache' | 'reflink' | 'web' | 'hypervisor';
  readonly needs: readonly string[];
  readonly contestants: readonly Contestant[];
  readonly goals: readonly Goal[];
}
