import type { BenchCase } from '../harness/bench-case.ts';
import { backupWithVirsh, exportFromLibvirt, oursOverNbd, oursOverWeb, overNbd, peer } from './contestants.ts';

const rand = 'rand.raw';

/** A10 of the goals: what comes over a line. */
export const remoteCases: readonly BenchCase[] = [
  {
    id: 'A10-nbd',
    title: 'NBD over a UNIX socket to raw, noise',
    image: rand,
    output: 'raw',
    needs: ['nbdkit', 'nbdcopy', 'qemu-img'],
    contestants: [
      oursOverNbd('ours', { image: rand, options: '--format raw' }),
      oursOverNbd('ours, one mover', { image: rand, options: '--format raw --workers 1' }),
      peer('nbdcopy', { image: rand, argv: overNbd('nbdcopy "$uri" OUT') }),
      peer('qemu-img', { image: rand, argv: overNbd('qemu-img convert -f raw -O raw "$uri" OUT') }),
    ],
    goals: [{ ours: 'ours', peers: ['nbdcopy'], measure: 'wall', atMost: 0.8 }],
  },
  {
    id: 'A10-libvirt',
    title: 'the disk of a guest that runs, from a pull-mode backup of libvirt, to raw',
    image: 'os1.raw',
    output: 'raw',
    place: 'hypervisor',
    needs: ['libvirtd', 'virsh', 'qemu-system-x86_64', 'qemu-img', 'nbdcopy', 'openssl'],
    contestants: [
      exportFromLibvirt('ours, proven', { image: 'os1.raw', options: '--format raw' }),
      backupWithVirsh('nbdcopy', { image: 'os1.raw', read: "nbdcopy 'NBD_URI' OUT" }),
      // What ours does besides: the hash of what came, on the medium, and read from it again.
      backupWithVirsh('nbdcopy, proven by openssl', {
        image: 'os1.raw',
        read: "nbdcopy 'NBD_URI' - | tee OUT | openssl dgst -sha256 >SCRATCH/sum; sync -d OUT; dd if=OUT iflag=nocache count=0 status=none; openssl dgst -sha256 <OUT >SCRATCH/again; cmp SCRATCH/sum SCRATCH/again",
      }),
    ],
    goals: [
      { ours: 'ours, proven', peers: ['nbdcopy'], measure: 'wall', atMost: 1.11 },
      { ours: 'ours, proven', peers: ['nbdcopy, proven by openssl'], measure: 'wall', atMost: 0.8 },
    ],
  },
  ...(
    [
      ['http', 'HTTP_URL', 0.6],
      ['https', 'HTTPS_URL', 0.97],
    ] as const
  ).map(([scheme, url, atMost]): BenchCase => ({
    id: `A10-${scheme}`,
    title: `a raw image on a web server, over ${scheme.toUpperCase()}, noise`,
    image: rand,
    output: 'raw',
    place: 'web',
    needs: ['nginx', 'curl'],
    contestants: [
      oursOverWeb('ours', { image: rand, url, options: ['--format', 'raw'] }),
      oursOverWeb('ours, one mover', { image: rand, url, options: ['--format', 'raw', '--workers', '1'] }),
      oursOverWeb('ours, with tree', { image: rand, url, options: ['--format', 'raw', '--digest', 'tree'] }),
      peer('curl', { image: rand, argv: ['curl', '-s', '-S', '-f', '--cacert', 'CA_FILE', '-o', 'OUT', url] }),
    ],
    goals: [{ ours: 'ours', peers: ['curl'], measure: 'wall', atMost }],
  })),
];
