import { toSafeName } from '../export/export-name.ts';

/** What the disks of an export are put together to, so that another platform can import the VM: one archive, or files beside each other. */
export const packageKinds = ['ova', 'ovf'] as const;
export type PackageKind = (typeof packageKinds)[number];

/** Names in a tar header have up to 100 characters, endings included. */
const STEM_LENGTH_MAX = 90;

const stemOf = (name: string): string => toSafeName(name, STEM_LENGTH_MAX);

export const archiveFile = (name: string): string => `${stemOf(name)}.ova`;
export const envelopeFile = (name: string): string => `${stemOf(name)}.ovf`;
export const digestsFile = (name: string): string => `${stemOf(name)}.mf`;

/** What a package of this kind adds to the folder of an export. */
export const packageFiles = (name: string, kind: PackageKind): readonly string[] =>
  kind === 'ova' ? [archiveFile(name)] : [envelopeFile(name), digestsFile(name)];

/** Everything that a package of any kind, whole or not, may have left there. */
export const allPackageFiles = (name: string): readonly string[] => [
  ...packageKinds.flatMap((kind) => packageFiles(name, kind)),
  `${archiveFile(name)}.partial`,
];
