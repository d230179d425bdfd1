import { formatBytes, imageFormats, type GuestLook, type ImageFormat, type ImageInfo } from '@hypersdk/domain';
import type { HttpLocator, RemoteDiskInfo } from '@hypersdk/ports';
import { buildCommand } from '@stricli/core';
import type { CliContext } from '../cli-context.ts';
import { outputFlags, type OutputFlags } from '../flags/output-flags.ts';
import { parseText } from '../flags/parsers.ts';
import { referenceFlags, type ReferenceFlags } from '../flags/reference-flags.ts';
import { keyFlags, type KeyFlags } from '../flags/key-flags.ts';
import { remoteFlags, type RemoteFlags } from '../flags/remote-flags.ts';
import { describeGuest } from '../inspect/describe-guest.ts';
import { describeRemote, inspectRemote } from '../inspect/describe-remote.ts';
import { locateDisk } from '../locate-disk.ts';
import { respond } from '../output/respond.ts';
import { formatFields } from '../output/table.ts';
import type { Services } from '../services.ts';
import { listenForStop, type Stop } from '../stop.ts';

interface InspectFlags extends OutputFlags, ReferenceFlags, RemoteFlags, KeyFlags {
  readonly sourceFormat?: ImageFormat;
  readonly noGuest?: boolean;
}

export const inspectCommand = buildCommand<InspectFlags, [string], CliContext>({
  docs: {
    brief: 'Show what a disk image is, without trusting it',
    fullDescription: `Reads headers and tables only, and checks each before it is believed. Files
that the image refers to are named but never opened, unless
--follow-references allows those beside it, or --parent names them. Of an
increment that export made, the images that it lies on are found through the
manifests, and each must be the one that was recorded.

Then says what lies on the disk: partitions, file systems, the installed
system, and what firmware could boot it. Nothing is mounted. Of a disk on a
server only what that needs is read, 64 MiB at most.

EXAMPLES
  hyperexport inspect disk.qcow2
  hyperexport inspect disk.vmdk --json
  hyperexport inspect appliance.ova/disk1.vmdk
  hyperexport inspect disk.vhdx --no-guest
  hyperexport inspect overlay.qcow2 --follow-references
  hyperexport inspect vm-000001.vmdk --parent /golden/vm.vmdk
  hyperexport inspect nbd://localhost/web-01
  hyperexport inspect https://images.example.org/debian.qcow2`,
  },
  parameters: {
    flags: {
      sourceFormat: { kind: 'enum', optional: true, values: imageFormats, brief: 'Insist on this format' },
      ...referenceFlags,
      ...remoteFlags,
      ...keyFlags,
      noGuest: { kind: 'boolean', optional: true, withNegated: false, brief: 'Leave out what lies on the disk' },
      ...outputFlags,
    },
    positional: {
      kind: 'tuple',
      parameters: [{ parse: parseText, placeholder: 'IMAGE', brief: 'Disk image file, or address (https:, nbd:) of one' }],
    },
  },
  func: inspect,
});

async function inspect(this: CliContext, flags: InspectFlags, path: string): Promise<void> {
  const services = await this.services();
  using stop = listenForStop();
  const located = await locateDisk(services, path, { flags, stop, terminal: this.terminal });
  if (located.kind === 'nbd') {
    const remote = await inspectRemote(services.remotes, located, { signal: stop.signal, looks: !flags.noGuest });
    return respondRemote(this, flags, { path, remote });
  }
  if (located.kind === 'http') return respondImage(this, flags, await inspectOnWeb(services, located, { flags, stop }));
  const { image } = located;
  const { inspector } = services;
  const about = await inspector.inspect(image, stop);
  const guest = flags.noGuest ? undefined : await inspector.look(image, stop);
  respondImage(this, flags, { path, about, ...(guest ? { guest } : {}) });
}

interface Inspected {
  readonly path: string;
  readonly about: ImageInfo;
  readonly guest?: GuestLook;
  /** Of an image on a server: what was asked for. */
  readonly bytesRead?: number;
}

async function inspectOnWeb(
  { webImages }: Services,
  located: HttpLocator,
  { flags, stop }: { readonly flags: InspectFlags; readonly stop: Stop },
): Promise<Inspected> {
  const about = await webImages.inspect(located, stop);
  if (flags.noGuest) return { path: located.shown, about };
  return { path: located.shown, about, ...(await webImages.look(located, stop)) };
}

function respondImage(cli: CliContext, flags: InspectFlags, { path, about, guest, bytesRead }: Inspected): void {
  respond(cli, flags, {
    document: { path, ...about, ...(guest ? { guest } : {}), ...(bytesRead === undefined ? {} : { bytesRead }) },
    text: () => describeImage(path, about) + (guest ? `\n${describeGuest(guest)}` : '') + describeCost(bytesRead),
  });
}

function respondRemote(cli: CliContext, flags: InspectFlags, { path, remote }: { readonly path: string; readonly remote: RemoteDiskInfo }): void {
  const { look, ...about } = remote;
  respond(cli, flags, {
    document: { address: path, ...about, ...look },
    text: () => describeRemote(path, about) + (look ? `\n${describeGuest(look.guest)}${describeCost(look.bytesRead)}` : ''),
  });
}

const describeCost = (bytesRead: number | undefined): string =>
  bytesRead === undefined ? '' : `\n${formatFields([['read', `${formatBytes(bytesRead)} over the line`]])}`;

function describeImage(path: string, about: ImageInfo): string {
  return formatFields([
    ['file', path],
    ['format', about.subformat ? `${about.format} (${about.subformat})` : about.format],
    ['virtual size', exactBytes(about.virtualSize)],
    ['allocated', exactBytes(about.allocatedSize)],
    ['file size', exactBytes(about.fileSize)],
    ...(about.unitSize > 1 ? [['unit', formatBytes(about.unitSize)] as const] : []),
    ...(about.compression ? [['compression', about.compression] as const] : []),
    ...(about.snapshotCount > 0 ? [['snapshots', String(about.snapshotCount)] as const] : []),
    ...about.references.map((reference) => ['refers to', reference] as const),
    ...Object.entries(about.details).map(([name, value]) => [inWords(name), describeValue(value)] as const),
  ]);
}

const exactBytes = (bytes: number): string => (bytes < 1024 ? formatBytes(bytes) : `${formatBytes(bytes)} (${bytes} bytes)`);

/** `refcountBits` reads `refcount bits`. */
const inWords = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);

const describeValue = (value: string | number | boolean): string => (typeof value === 'boolean' ? (value ? 'yes' : 'no') : String(value));
