import { imageFormats } from '@hypersdk/domain';
import type { VMInfo } from '@hypersdk/domain';
import type { Profile, ProfileValue } from '../../profile/read-profiles.ts';
import { toFlagName } from '../../help/format-flags.ts';

/** One choice of an export. `choices`: what it can be, the empty text meaning what the command takes by itself; without them it is typed. */
export interface OptionField {
  readonly id: FieldId;
  readonly label: string;
  /** What holds when nothing is given. */
  readonly fallback: string;
  readonly isSwitch?: true;
  choices?(values: OptionValues): readonly string[];
}

const fieldIds = [
  'to',
  'format',
  'subformat',
  'compression',
  'level',
  'verify',
  'limit-rate',
  'parallel',
  'checksums',
  'boot-proof',
  'incremental',
  'overwrite',
] as const;
export type FieldId = (typeof fieldIds)[number];
/** Texts as they would be typed; empty where nothing is given. Switches are `yes` or empty. */
export type OptionValues = Readonly<Record<FieldId, string>>;

/** What a format can be written as; the first is what it takes by itself. Held against the engine by a test. */
export const subformats: Readonly<Record<string, readonly string[]>> = {
  vmdk: ['monolithicSparse', 'streamOptimized', 'twoGbMaxExtentSparse', 'twoGbMaxExtentFlat', 'monolithicFlat'],
  vhd: ['dynamic', 'fixed', 'azure'],
  vhdx: ['dynamic', 'fixed'],
  vdi: ['dynamic', 'static'],
};

const onOff = { isSwitch: true, fallback: 'no', choices: () => ['', 'yes'] } as const;

export const optionFields: readonly OptionField[] = [
  { id: 'to', label: 'Folder to export to', fallback: 'needed' },
  { id: 'format', label: 'Format', fallback: 'qcow2', choices: () => ['', ...imageFormats.filter((format) => format !== 'qcow2'), 'ova', 'ovf'] },
  { id: 'subformat', label: 'Subformat', fallback: "the format's own", choices: ({ format }) => ['', ...(subformats[format] ?? []).slice(1)] },
  { id: 'compression', label: 'Compression', fallback: "the format's own", choices: () => ['', 'none', 'zlib', 'zstd'] },
  { id: 'level', label: 'Level of compression', fallback: "the compression's own" },
  { id: 'verify', label: 'Read back', fallback: 'full' },
  { id: 'limit-rate', label: 'Bytes a second at most', fallback: 'no limit' },
  { id: 'parallel', label: 'Disks at a time', fallback: '2' },
  { id: 'checksums', label: 'Write SHA256SUMS', fallback: 'no', choices: () => ['', 'sha256'] },
  { id: 'boot-proof', label: 'Boot the copy to prove it', ...onOff },
  { id: 'incremental', label: 'Only what changed since the last', ...onOff },
  { id: 'overwrite', label: 'Replace an export of this name', ...onOff },
];

export const NO_OPTIONS: OptionValues = Object.fromEntries(fieldIds.map((id) => [id, ''])) as OptionValues;

/** The settings of a profile as fields, and what of it no field shows but the command takes. */
export function fromProfile(profile: Profile): { readonly values: OptionValues; readonly extra: Profile } {
  const { compression: compressed = '', ...others } = profile;
  const [compression = '', level = ''] = String(compressed).split(':');
  const known = Object.entries(others).filter(([name]) => isField(name));
  const extra = Object.entries(others).filter(([name]) => !isField(name));
  return {
    values: { ...NO_OPTIONS, compression, level, ...Object.fromEntries(known.map(([name, value]) => [name, toText(name, value)])) },
    extra: Object.fromEntries(extra),
  };
}

/** The same back, for keeping as a profile. */
export const toProfile = (values: OptionValues, extra: Profile): Profile => ({
  ...extra,
  ...Object.fromEntries(settingsOf(values).map(([name, value]) => [name, isSwitch(name) ? true : value])),
});

export interface LineParts {
  readonly values: OptionValues;
  readonly extra: Profile;
  /** Flags about the source, which the program was started with. */
  readonly sourceFlags: readonly string[];
  readonly source: string;
  readonly vms: readonly VMInfo[];
  /** Every VM of the source: then none has to be named. */
  readonly isAll: boolean;
}

/** The command that does what was chosen. */
export function toExportLine({ values, extra, sourceFlags, source, vms, isAll }: LineParts): readonly string[] {
  return [
    'export',
    ...Object.entries(extra).flatMap(([name, value]) => toWords(name, value)),
    ...settingsOf(values).flatMap(([name, value]) => (isSwitch(name) ? [toFlagName(name)] : [`${toFlagName(name)}=${value}`])),
    ...sourceFlags,
    '--',
    source,
    ...(isAll ? [] : vms.map(({ id }) => id)),
  ];
}

/** What is given, level and compression as the one word that they are typed as. */
function settingsOf({ compression, level, ...rest }: OptionValues): readonly (readonly [string, string])[] {
  const whole = level === '' ? compression : `${compression}:${level}`;
  return [...Object.entries(rest), ['compression', whole] as const].filter(([, value]) => value !== '').toSorted(([a], [b]) => (a < b ? -1 : 1));
}

function toWords(name: string, value: ProfileValue): readonly string[] {
  if (typeof value === 'boolean') return value ? [toFlagName(name)] : [];
  return (typeof value === 'object' ? value : [String(value)]).map((one) => `${toFlagName(name)}=${one}`);
}

const isField = (name: string): boolean => fieldIds.some((id) => id === name);
const isSwitch = (name: string): boolean => optionFields.some(({ id, isSwitch: on }) => id === name && on === true);
/** A switch may be written as `true`, `yes` or `on`; a text is what it is. */
const toText = (name: string, value: ProfileValue): string =>
  isSwitch(name) ? (['true', 'yes', 'on', '1'].includes(String(value).toLowerCase()) ? 'yes' : '') : String(value);
