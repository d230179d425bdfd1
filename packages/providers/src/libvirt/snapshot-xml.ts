// libvirt, "Snapshot XML format" (formatsnapshot).
import { HyperError, toSnapshotId, type SnapshotInfo } from '@hypersdk/domain';
import type { SnapshotRequest } from '@hypersdk/ports';
import { childNamed, childrenNamed, parseXml } from '@hypersdk/wire';
import { present, tidyText } from '../said-fields.ts';

/** What is written from now on to the disk of this name goes to this file. */
interface Overlay {
  readonly target: string;
  readonly file: string;
}

/** Every disk is named: libvirt would choose by itself what to take. Where the images of an external snapshot lie is libvirt's choice, beside the disks. */
export function toSnapshotXml({ name, description, placement }: Omit<SnapshotRequest, 'quiesce'>, targets: readonly string[]): string {
  const disks = targets.map((target) => `<disk name='${escape(target)}' snapshot='${placement}'/>`).join('');
  const described = description === undefined ? '' : `<description>${escape(description)}</description>`;
  return `<domainsnapshot><name>${escape(name)}</name>${described}<disks>${disks}</disks></domainsnapshot>`;
}

/** What a snapshot says of itself. Whether it is the current one is known from elsewhere. */
export function toSnapshotInfo(
  xml: string,
  { isCurrent }: { readonly isCurrent: boolean },
): SnapshotInfo & { readonly overlays: readonly Overlay[] } {
  const snapshot = parseXml(xml);
  const name = childNamed(snapshot, 'name')?.text;
  if (snapshot.name !== 'domainsnapshot' || name === undefined || name === '')
    throw new HyperError('document/malformed', 'What libvirt sent is not the description of a snapshot.');
  const memory = childNamed(snapshot, 'memory')?.attributes.get('snapshot') ?? 'no';
  const disks = childrenNamed(childNamed(snapshot, 'disks'), 'disk');
  const external = disks.filter((disk) => disk.attributes.get('snapshot') === 'external');
  const parent = childNamed(snapshot, 'parent', 'name')?.text;
  return {
    id: toSnapshotId(name),
    name,
    ...present({
      description: tidyText(childNamed(snapshot, 'description')?.text),
      createdAt: toInstant(childNamed(snapshot, 'creationTime')?.text),
      parent: parent === undefined ? undefined : toSnapshotId(parent),
    }),
    isCurrent,
    hasMemory: memory !== 'no',
    placement: external.length > 0 || memory === 'external' ? 'external' : 'internal',
    overlays: external.flatMap((disk) => {
      const target = disk.attributes.get('name');
      const file = childNamed(disk, 'source')?.attributes.get('file');
      return target === undefined || file === undefined ? [] : [{ target, file }];
    }),
  };
}

/** Seconds since 1970. */
function toInstant(seconds: string | undefined): string | undefined {
  if (seconds === undefined || !/^\d{1,11}$/.test(seconds)) return undefined;
  return new Date(Number(seconds) * 1000).toISOString();
}

/** XML 1.0 §2.4, for text and for values in single quotes. */
const escape = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll("'", '&apos;').replaceAll('"', '&quot;');
