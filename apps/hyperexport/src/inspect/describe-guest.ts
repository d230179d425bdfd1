import { formatBytes, type GuestLook, type GuestVolume, type VolumeContent } from '@hypersdk/domain';
import { formatFields, formatTable } from '../output/table.ts';

/** What lies on the disk, for people: the disk as a whole, then a line for each volume, then what is wrong. */
export function describeGuest(look: GuestLook): string {
  const volumes = formatTable(
    [{ title: 'VOLUME' }, { title: 'SIZE', align: 'right' }, { title: 'CONTENT' }, { title: 'LABEL' }, { title: 'STATE' }, { title: 'USE' }],
    look.volumes.map((volume) => [
      volume.place,
      formatBytes(volume.size),
      describeContent(volume.content),
      volume.content.label ?? '',
      describeState(volume.content.clean),
      describeUse(volume, look),
    ]),
  );
  const findings = look.findings.map(({ severity, place, summary }) => [severity, `${place}: ${summary}`] as const);
  const cutOff = look.complete ? [] : [['note', 'The look ended at its limit; there may be more than is shown.'] as const];
  const remarks = [...findings, ...cutOff];
  return [formatFields(fieldsOf(look)), volumes, ...(remarks.length > 0 ? [formatFields(remarks)] : [])].join('\n');
}

const fieldsOf = (look: GuestLook): readonly (readonly [string, string])[] => [
  ['partitions', look.table === 'none' ? 'none' : `${look.table.toUpperCase()}, sectors of ${look.sectorSize} bytes`],
  ['boots with', look.firmwares.length === 0 ? 'nothing that was found' : look.firmwares.map((firmware) => firmware.toUpperCase()).join(' and ')],
  ...look.loaders.map((loader) => ['loader', loader] as const),
  ...look.systems.map(({ name, volume }) => ['system', `${name} on ${volume}`] as const),
];

function describeContent({ kind, details }: VolumeContent): string {
  const { version, cipher, group } = details;
  if (kind === 'luks') return [`LUKS${String(version ?? '')}`, ...(cipher === undefined ? [] : [String(cipher)])].join(' ');
  if (kind === 'lvm-pv' && group !== undefined) return `${kind} of ${String(group)}`;
  return kind;
}

function describeState(clean: boolean | undefined): string {
  if (clean === undefined) return '';
  return clean ? 'clean' : 'in use or not unmounted';
}

/** What the volume is for, by its partition's type or the system in it. */
function describeUse({ place, partition }: GuestVolume, look: GuestLook): string {
  const system = look.systems.find(({ volume }) => volume === place);
  if (system) return system.name;
  return partition?.typeName ?? partition?.type ?? '';
}
