export type { ExportFiller, FillOutcome, FillRequest } from './export-filler.ts';
export type { Cancel } from './cancel.ts';
export type { BlockLocator, BlockSink, BlockSource, ImageLocator } from './block.ts';
export type { DecryptionKeys, Encryption } from './encryption.ts';
export type { DiskServer, ServedDisk, ServeRequest, ServerTlsFiles } from './disk-server.ts';
export type { NbdLocator, NbdTlsFiles, RemoteChoices, RemoteDiskInfo, RemoteDisks } from './remote-disks.ts';
export type {
  CompareOutcome,
  CopiedFile,
  CopyOutcome,
  CopyProgress,
  CopyRequest,
  CopyStage,
  ImageInspector,
  ImageSettings,
  ParentImage,
  RateBudget,
  Transfer,
  VerifyOutcome,
  VerifyRequest,
  Watch,
} from './transfer.ts';
export type {
  ChangedBlocks,
  DiskChanges,
  DiskExport,
  ExportableDisk,
  ExportLease,
  LeaseRequest,
  SessionRequest,
  FacetName,
  Facets,
  Inventory,
  ProviderModule,
  ProviderSession,
  Registry,
  Residue,
} from './provider.ts';
export type { EffectJournal, JournalledEffect } from './effect-journal.ts';
export type { SourceWork } from './source-work.ts';
export type { StorageTarget, StoredObject } from './storage-target.ts';
export type { Signer } from './signer.ts';
export type { ArchiveContent, ArchivedFile, ArchiveProgress, ArchiveRequest, Archiver } from './archiver.ts';
export type { Clock, Ids } from './clock.ts';
export type { History, HistoryEntry } from './history.ts';
export type { BootDisk, BootMachine, BootObservation, BootProver, BootReadiness, BootScreen } from './boot-prover.ts';
export type { ConversionNews, ConversionRequest, ConvertedGuest, ConverterReadiness, GuestConverter } from './guest-converter.ts';
export type { HttpLocator, WebChoices, WebImages } from './web-images.ts';
export type { Power, ShutdownOptions } from './power.ts';
export type {
  Console,
  GraphicsEndpoint,
  GraphicsProtocol,
  GraphicsRequest,
  GraphicsTicket,
  OfferedConsoles,
  Screenshot,
  SerialLine,
  SerialRequest,
} from './console.ts';
export type { Metrics, MetricsRequest } from './metrics.ts';
export type { RestorableDisk, Restore, RestoreOutcome, RestorePlan, RestoreProgress, RestoreRequest } from './restore.ts';
export type { Clone, CloneOutcome, ClonePlan, CloneProgress, CloneRequest } from './clone.ts';
export type { CreatedSnapshot, SnapshotRequest, Snapshots } from './snapshots.ts';
export type { Events, EventsRequest, VMEvents } from './events.ts';
export type { Networks, NetworkWish, WishedAddress } from './networks.ts';
export type { StoragePools } from './storage-pools.ts';
export type { VolumePiece, Volumes, VolumeWish } from './volumes.ts';
export type { IsoImages, IsoUpload, IsoUploadOptions } from './iso-images.ts';
