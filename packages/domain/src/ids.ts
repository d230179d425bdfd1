declare const brand: unique symbol;
/** A string that is not just any string. Made only by the functions below, at the edge where it enters. */
type Branded<Name extends string> = string & { readonly [brand]: Name };

export type VMId = Branded<'VMId'>;
export type DiskId = Branded<'DiskId'>;
export type ConnectionId = Branded<'ConnectionId'>;
export type ExportId = Branded<'ExportId'>;
export type SnapshotId = Branded<'SnapshotId'>;
export type ChangeId = Branded<'ChangeId'>;

export const toVMId = (text: string): VMId => text as VMId;
export const toDiskId = (text: string): DiskId => text as DiskId;
export const toConnectionId = (text: string): ConnectionId => text as ConnectionId;
export const toExportId = (text: string): ExportId => text as ExportId;
export const toSnapshotId = (text: string): SnapshotId => text as SnapshotId;
