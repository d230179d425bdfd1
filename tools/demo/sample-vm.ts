import { mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createImage } from '@hypersdk/disk';
import { MIB, roundDown } from '@hypersdk/domain';
import type { BlockSink, Cancel } from '@hypersdk/ports';
import { readCheckoutTree, type SampleContent } from './checkout-tree.ts';
import { SECTOR_SIZE } from './fat32/geometry.ts';
import { encodePartitionTable } from './fat32/partition-table.ts';
import { writeVolume } from './fat32/write-volume.ts';

export const SAMPLE_NAME = 'web-01';
const DISK_FILE = `${SAMPLE_NAME}.vmdk`;
const DESCRIPTOR_FILE = `${SAMPLE_NAME}.vmx`;

/** Partitions begin here everywhere since disks have sectors of 4 KiB. */
const PARTITION_OFFSET = MIB;
/** Of the disk; the rest is free and has never been written, as on most disks. */
const FILLED_SHARE = 0.6;
/** Any, but the same each time. */
const DISK_SIGNATURE = 0x4853_444b;

export interface Sample {
  /** Folder of the VM's files. */
  readonly folder: string;
  readonly disk: string;
  readonly descriptor: string;
}

export interface SampleRequest extends Cancel {
  readonly checkout: string;
  readonly size: number;
  /** Called with the share of the content that was written, from 0 to 1. */
  onProgress(share: number): void;
}

export function sampleIn(state: string): Sample {
  const folder = join(state, 'vms');
  return { folder, disk: join(folder, DISK_FILE), descriptor: join(folder, DESCRIPTOR_FILE) };
}

/** Both files are there. The descriptor gets its name last. */
export async function isComplete(sample: Sample): Promise<boolean> {
  const found = await Promise.all([sample.disk, sample.descriptor].map((path) => stat(path).catch(() => undefined)));
  return found.every((about) => about?.isFile());
}

/** Makes the VM in a folder of its own beside the final one: a name is given only to what is whole, and two runs do not meet. */
export async function makeSample(state: string, request: SampleRequest): Promise<SampleContent> {
  await removeAbandoned(state);
  const workshop = join(state, `${WORKSHOP_PREFIX}${process.pid}`);
  await mkdir(workshop, { recursive: true });
  try {
    const content = await writeDisk(join(workshop, DISK_FILE), request);
    await writeFile(join(workshop, DESCRIPTOR_FILE), DESCRIPTOR);
    const sample = sampleIn(state);
    await mkdir(sample.folder, { recursive: true });
    await rename(join(workshop, DISK_FILE), sample.disk);
    await rename(join(workshop, DESCRIPTOR_FILE), sample.descriptor);
    return content;
  } finally {
    await rm(workshop, { recursive: true, force: true });
  }
}

async function writeDisk(path: string, { checkout, size, signal, onProgress }: SampleRequest): Promise<SampleContent> {
  const content = await readCheckoutTree(checkout, size * FILLED_SHARE);
  const partitionSize = roundDown(size, MIB) - PARTITION_OFFSET;
  await using image = createImage(path, roundDown(size, MIB), { format: 'vmdk', subformat: 'monolithicSparse' });
  const sink = counting(image, (written) => onProgress(Math.min(1, written / Math.max(1, content.size))));
  const partition = { firstSector: PARTITION_OFFSET / SECTOR_SIZE, sectorCount: partitionSize / SECTOR_SIZE, diskSignature: DISK_SIGNATURE };
  await sink.write(0, encodePartitionTable(partition), { signal });
  const volume = { offset: PARTITION_OFFSET, size: partitionSize, root: content.root, label: 'WEB-01', serial: DISK_SIGNATURE };
  await writeVolume(sink, volume, { signal });
  await sink.finish({ signal });
  return content;
}

/** The same sink, telling how many bytes it took. */
function counting(sink: BlockSink, onWritten: (bytes: number) => void): Pick<BlockSink, 'write' | 'finish'> {
  let written = 0;
  return {
    async write(offset, bytes, o) {
      await sink.write(offset, bytes, o);
      onWritten((written += bytes.length));
    },
    finish: (o) => sink.finish(o),
  };
}

const WORKSHOP_PREFIX = 'sample.';

/** What a run that was killed has left. */
async function removeAbandoned(state: string): Promise<void> {
  const names = await readdir(state).catch(() => []);
  const abandoned = names.filter((name) => /^sample\.\d+$/.test(name) && !isRunning(Number(name.slice(WORKSHOP_PREFIX.length))));
  for (const name of abandoned) await rm(join(state, name), { recursive: true, force: true });
}

function isRunning(processId: number): boolean {
  try {
    return process.kill(processId, 0);
  } catch {
    return false;
  }
}

/** As VMware Workstation writes it, in short. */
const DESCRIPTOR = `.encoding = "UTF-8"
config.version = "8"
virtualHW.version = "21"
displayName = "${SAMPLE_NAME}"
annotation = "The files of a HyperSDK checkout"
guestOS = "other6xlinux-64"
numvcpus = "2"
memSize = "2048"
firmware = "bios"
uuid.bios = "56 4d 48 79 70 65 72 53-44 4b 77 65 62 2d 30 31"
scsi0.present = "TRUE"
scsi0.virtualDev = "pvscsi"
scsi0:0.present = "TRUE"
scsi0:0.fileName = "${DISK_FILE}"
ethernet0.present = "TRUE"
ethernet0.virtualDev = "vmxnet3"
ethernet0.networkName = "VM Network"
ethernet0.addressType = "static"
ethernet0.address = "00:50:56:01:02:03"
`;
