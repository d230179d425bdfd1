export { coalesce, endOf } from './extent.ts';
export type { ByteRange, Extent } from './extent.ts';
export { errorTable } from './errors.ts';
export { HyperError } from './hyper-error.ts';
export type { ErrorCode } from './errors.ts';
export { systemCode } from './system-code.ts';
export { whyUnreachable } from './why-unreachable.ts';
export { formatBytes, GIB, KIB, MIB, parseBytes, roundDown, roundUp, TIB } from './units.ts';
export { toConnectionId, toDiskId, toExportId, toSnapshotId, toVMId } from './ids.ts';
export type { ChangeId, ConnectionId, DiskId, ExportId, SnapshotId, VMId } from './ids.ts';
export { providerKinds } from './provider-kind.ts';
export type { ProviderKind } from './provider-kind.ts';
export { sourceEffectKinds } from './source-effect.ts';
export type { SourceEffect, SourceEffectKind } from './source-effect.ts';
export { imageFormats } from './image.ts';
export { fromQemuName, toQemuName } from './qemu-name.ts';
export type { ImageFormat, ImageInfo, ImageRef, ListedFiles, ReferencePolicy } from './image.ts';
export { LEAF_SIZE, leafCount, leafRange } from './digest.ts';
export type { ContentDigest, Sha256 } from './digest.ts';
export { diskBuses } from './disk.ts';
export type { DiskBus, DiskInfo } from './disk.ts';
export type { Firmware, GuestAgent, NicInfo, PowerState, VMInfo } from './vm.ts';
export type { SnapshotInfo } from './snapshot.ts';
export type { DiskJob, DiskJobState, StopReason, SuspendReason, VMEvent } from './vm-event.ts';
export { networkForwards } from './network.ts';
export type { AddressRange, NetworkAddress, NetworkForward, NetworkInfo } from './network.ts';
export type { StoragePoolInfo, StoragePoolState } from './storage-pool.ts';
export type { VolumeInfo, VolumeRef } from './volume.ts';
export type { CdromDrive, IsoImage } from './iso-image.ts';
export { Secret } from './secret.ts';
export type {
  Counter,
  CpuMetrics,
  DiskMetrics,
  MemoryMetrics,
  NicMetrics,
  PacketMetrics,
  TransferMetrics,
  VcpuMetrics,
  VMMetrics,
} from './vm-metrics.ts';
export {
  sizeOfAll,
  type Consistency,
  type DiskParent,
  type ExportedDisk,
  type ExportManifest,
  type FileEncryption,
  type GuestConversion,
  type ImagePart,
} from './export-manifest.ts';
export type { Receipt, ReceiptBody, VerificationResult } from './receipt.ts';
export { bootControllers, bootFirmwares } from './boot-proof.ts';
export type { BootAccelerator, BootAttempt, BootController, BootFailure, BootFirmware, BootHardware, BootRecord, BootVerdict } from './boot-proof.ts';
export type { GuestFinding, GuestLook, GuestOs, GuestVolume, PartitionEntry, RemoteLook, VolumeContent, VolumeKind } from './guest-look.ts';
export { sharesBlocks } from './shares-blocks.ts';
