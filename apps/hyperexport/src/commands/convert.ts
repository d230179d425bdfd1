import { imageFormats, type ImageFormat } from '@hypersdk/domain';
import { buildCommand } from '@stricli/core';
import type { CliContext } from '../cli-context.ts';
import { profileFlag } from '../flags/profile-flag.ts';
import { imageFlags, type ImageFlags } from '../flags/image-flags.ts';
import { WORKERS_MAX } from '../flags/limits.ts';
import { progressFlags, type ProgressFlags } from '../flags/output-flags.ts';
import { encryptFlags, keyFlags, type EncryptFlags, type KeyFlags } from '../flags/key-flags.ts';
import { pointInTimeFlag, remoteFlags, type RemoteFlags } from '../flags/remote-flags.ts';
import { countParser, parsePercent, parseText, parseSize } from '../flags/parsers.ts';
import { referenceFlags, type ReferenceFlags } from '../flags/reference-flags.ts';
import { parseRateLimit, type RateLimit } from '../rate/rate-limit.ts';

export interface ConvertFlags extends ImageFlags, ProgressFlags, ReferenceFlags, RemoteFlags, KeyFlags, EncryptFlags {
  readonly verify: number;
  readonly split?: number;
  readonly noDigest?: boolean;
  readonly unverified?: boolean;
  readonly economy?: boolean;
  readonly limitRate?: RateLimit;
  readonly workers?: number;
  readonly sourceFormat?: ImageFormat;
  readonly pointInTime?: string;
  readonly overwrite?: boolean;
  readonly restart?: boolean;
  readonly noSpaceCheck?: boolean;
  readonly profile?: string;
}

const onOff = { kind: 'boolean', optional: true, withNegated: false } as const;

export const convertCommand = buildCommand<ConvertFlags, [string, string], CliContext>({
  docs: {
    brief: 'Write a disk image in another format',
    fullDescription: `The format is taken from TARGET's name (.qcow2, .vmdk, .vhd, .vhdx, .vdi,
.raw, .img) unless --format says it. The new image is read back and compared
with what was read, gets its name only then, and a signed receipt is put beside
it; --unverified leaves all that out, like a plain converter. A stopped
conversion goes on when the same command is typed again. An overlay, snapshot
or delta is written as a whole disk, together with what it lies on.
An NBD export goes on after a stop only with the same --point-in-time: nothing
in the protocol tells whether it was written meanwhile.
When TARGET is an export of an NBD server, the disk is written into it: it has
to be as large, and empty unless --overwrite is given. It is flushed and read
back in full; there is no receipt, and a stopped run begins anew.

SUBFORMATS, the usual one first
  vmdk  monolithicSparse, streamOptimized, or in several files:
        twoGbMaxExtentSparse, twoGbMaxExtentFlat, monolithicFlat
  vhd   dynamic, fixed, azure (fixed, rounded up to whole MiB)
  vhdx  dynamic, fixed
  vdi   dynamic, static

EXAMPLES
  hyperexport convert disk.vmdk disk.qcow2
  hyperexport convert a.raw small.qcow2 --compression zstd --cluster-size 128K
  hyperexport convert disk.qcow2 disk.vmdk --subformat streamOptimized
  hyperexport convert disk.qcow2 disk.vhd --subformat azure
  hyperexport convert disk.qcow2 disk.raw --unverified
  hyperexport convert vm-000001.vmdk whole.qcow2 --follow-references
  hyperexport convert overlay.qcow2 whole.qcow2 --parent /golden/base.qcow2
  hyperexport convert nbd://localhost/web-01 web-01.qcow2
  hyperexport convert web-01.vmdk nbd://localhost/restored --overwrite
  hyperexport convert https://images.example.org/debian.qcow2 debian.vmdk`,
  },
  parameters: {
    flags: {
      ...imageFlags,
      verify: { kind: 'parsed', parse: parsePercent, default: 'full', placeholder: 'full|N%', brief: 'How much is read back' },
      noDigest: { ...onOff, brief: 'No digests, so no read-back and no receipt' },
      unverified: { ...onOff, brief: 'No proof, and nothing is forced to the medium' },
      economy: { ...onOff, brief: 'Least processor time, where bytes need not be seen' },
      limitRate: {
        kind: 'parsed',
        optional: true,
        parse: parseRateLimit,
        placeholder: 'RATE',
        brief: 'Bytes a second at most; may depend on the time',
      },
      workers: { kind: 'parsed', optional: true, parse: countParser({ min: 1, max: WORKERS_MAX }), placeholder: 'N', brief: 'Threads to use' },
      sourceFormat: { kind: 'enum', optional: true, values: imageFormats, brief: 'Insist on this format of SOURCE' },
      ...referenceFlags,
      overwrite: { ...onOff, brief: 'Replace TARGET, or what an export holds' },
      restart: { ...onOff, brief: 'Begin anew instead of going on' },
      noSpaceCheck: { ...onOff, brief: 'Begin even if TARGET may be too large for its place' },
      profile: profileFlag,
      ...remoteFlags,
      ...keyFlags,
      ...encryptFlags,
      split: { kind: 'parsed', optional: true, parse: parseSize, placeholder: 'SIZE', brief: 'Volumes of this size: TARGET.001, .002 …' },
      pointInTime: pointInTimeFlag,
      ...progressFlags,
    },
    positional: {
      kind: 'tuple',
      parameters: [
        { parse: parseText, placeholder: 'SOURCE', brief: 'Disk image to read, or address (https:, nbd:) of one' },
        { parse: parseText, placeholder: 'TARGET', brief: 'Disk image to write, or address (nbd:) of an export' },
      ],
    },
  },
  loader: async () => (await import('../convert/run-convert.ts')).runConvert,
});
