// libvirt, src/remote/remote_protocol.x: the procedures that are called, as data. A call is one line here and one line where it is made.
import { QEMU_PROGRAM } from './packet.ts';
import { charsAsInts, hyper, int, listOf, optional, type Shape, struct, text, uint, unsignedHyper, uuid, type ValueOf } from './shapes.ts';
import { typedParams } from './typed-param.ts';

/** How long a server may take: to look something up, to change something, to do what takes as long as it takes, or to copy a disk. */
export type Patience = 'quick' | 'slow' | 'long' | 'copying';

export interface Procedure<Args, Result> {
  readonly name: string;
  readonly number: number;
  /** Of libvirt itself unless it says otherwise. */
  readonly program?: number;
  readonly args: Shape<Args>;
  readonly result: Shape<Result>;
  readonly patience: Patience;
}

/** REMOTE_DOMAIN_LIST_MAX, and likewise for pools, volumes, snapshots and checkpoints. */
const LIST_MAX = 16_384;
const STATS_MAX = 262_144;
const JOB_STATS_MAX = 64;
const GUEST_INFO_MAX = 2048;
const MOUNT_POINTS_MAX = 256;
const AUTH_TYPES_MAX = 20;
const SASL_DATA_MAX = 65_536;

const domain = struct({ name: text, uuid, id: int });
export type Domain = ValueOf<typeof domain>;
const snapshot = struct({ name: text, domain });
export type SnapshotRef = ValueOf<typeof snapshot>;
const checkpoint = struct({ name: text, domain });
export type CheckpointRef = ValueOf<typeof checkpoint>;
const pool = struct({ name: text, uuid });
export type StoragePool = ValueOf<typeof pool>;
const volume = struct({ pool: text, name: text, key: text });
export type StorageVolume = ValueOf<typeof volume>;
const flags = uint;
const network = struct({ name: text, uuid });
export type Network = ValueOf<typeof network>;
/** Lists are asked for their content and not only for their length. */
const needsResults = int;

const nothing = struct({});
const ofDomain = struct({ domain });
const ofDomainWithFlags = struct({ domain, flags });
const xml = struct({ xml: text });

function define<Args, Result>(number: number, args: Shape<Args>, result: Shape<Result>) {
  return { number, args, result };
}

const quick = {
  connectClose: define(2, nothing, nothing),
  supportsFeature: define(60, struct({ feature: int }), struct({ isSupported: int })),
  authList: define(66, nothing, struct({ types: listOf(int, AUTH_TYPES_MAX) })),
  authSaslInit: define(67, nothing, struct({ mechanisms: text })),
  getLibVersion: define(157, nothing, struct({ version: unsignedHyper })),
  getHostname: define(59, nothing, struct({ hostname: text })),
  getCapabilities: define(7, nothing, xml),
  getUri: define(110, nothing, struct({ uri: text })),
  listAllDomains: define(273, struct({ needsResults, flags }), struct({ domains: listOf(domain, LIST_MAX), count: uint })),
  domainLookupByUuid: define(24, struct({ uuid }), ofDomain),
  domainGetXml: define(14, ofDomainWithFlags, xml),
  domainGetState: define(212, ofDomainWithFlags, struct({ state: int, reason: int })),
  domainGetBlockInfo: define(
    194,
    struct({ domain, path: text, flags }),
    struct({ allocation: unsignedHyper, capacity: unsignedHyper, physical: unsignedHyper }),
  ),
  domainHasManagedSave: define(183, ofDomainWithFlags, struct({ result: int })),
  domainGetGuestInfo: define(418, struct({ domain, types: uint, flags }), struct({ params: typedParams(GUEST_INFO_MAX) })),
  domainListAllSnapshots: define(274, struct({ domain, needsResults, flags }), struct({ snapshots: listOf(snapshot, LIST_MAX), count: int })),
  domainCurrentSnapshot: define(191, ofDomainWithFlags, struct({ snapshot })),
  snapshotGetXml: define(186, struct({ snapshot, flags }), xml),
  snapshotLookupByName: define(189, struct({ domain, name: text, flags }), struct({ snapshot })),
  domainGetJobStats: define(298, ofDomainWithFlags, struct({ type: int, params: typedParams(JOB_STATS_MAX) })),
  domainGetBlockJobInfo: define(
    238,
    struct({ domain, path: text, flags }),
    struct({ found: int, type: int, bandwidth: unsignedHyper, current: unsignedHyper, end: unsignedHyper }),
  ),
  backupGetXml: define(422, ofDomainWithFlags, xml),
  domainListAllCheckpoints: define(413, struct({ domain, needsResults, flags }), struct({ checkpoints: listOf(checkpoint, LIST_MAX), count: int })),
  checkpointGetXml: define(412, struct({ checkpoint, flags }), xml),
  domainGetMetadata: define(265, struct({ domain, type: int, uri: optional(text), flags }), struct({ metadata: text })),
  domainEventRegister: define(316, struct({ eventId: int, domain: optional(domain) }), struct({ callbackId: int })),
  volumeLookupByPath: define(97, struct({ path: text }), struct({ volume })),
  volumeLookupByName: define(95, struct({ pool, name: text }), struct({ volume })),
  volumeGetInfo: define(98, struct({ volume }), struct({ type: int, capacity: unsignedHyper, allocation: unsignedHyper })),
  volumeGetXml: define(99, struct({ volume, flags }), xml),
  volumeGetPath: define(100, struct({ volume }), struct({ path: text })),
  poolGetXml: define(88, struct({ pool, flags }), xml),
  poolGetInfo: define(87, struct({ pool }), struct({ state: uint, capacity: unsignedHyper, allocation: unsignedHyper, available: unsignedHyper })),
  listAllPools: define(281, struct({ needsResults, flags }), struct({ pools: listOf(pool, LIST_MAX), count: uint })),
  poolListAllVolumes: define(282, struct({ pool, needsResults, flags }), struct({ volumes: listOf(volume, LIST_MAX), count: uint })),
  domainLookupByName: define(23, struct({ name: text }), ofDomain),
  domainIsPersistent: define(151, ofDomain, struct({ isPersistent: int })),
  networkLookupByName: define(46, struct({ name: text }), struct({ network })),
  networkGetXml: define(43, struct({ network, flags }), xml),
  networkGetAutostart: define(44, struct({ network }), struct({ autostart: int })),
  networkIsActive: define(152, struct({ network }), struct({ isActive: int })),
  networkIsPersistent: define(153, struct({ network }), struct({ isPersistent: int })),
  listAllNetworks: define(283, struct({ needsResults, flags }), struct({ networks: listOf(network, LIST_MAX), count: uint })),
  poolGetAutostart: define(89, struct({ pool }), struct({ autostart: int })),
} as const;

const slow = {
  connectOpen: define(1, struct({ name: optional(text), flags }), nothing),
  authSaslStart: define(
    68,
    struct({ mechanism: text, isNil: int, data: charsAsInts(SASL_DATA_MAX) }),
    struct({ isComplete: int, isNil: int, data: charsAsInts(SASL_DATA_MAX) }),
  ),
  authSaslStep: define(
    69,
    struct({ isNil: int, data: charsAsInts(SASL_DATA_MAX) }),
    struct({ isComplete: int, isNil: int, data: charsAsInts(SASL_DATA_MAX) }),
  ),
  authPolkit: define(70, nothing, struct({ isComplete: int })),
  getAllDomainStats: define(
    344,
    struct({ domains: listOf(domain, LIST_MAX), stats: uint, flags }),
    struct({ records: listOf(struct({ domain, params: typedParams(STATS_MAX) }), LIST_MAX) }),
  ),
  domainShutdown: define(33, ofDomain, nothing),
  domainReboot: define(27, ofDomainWithFlags, nothing),
  domainReset: define(245, ofDomainWithFlags, nothing),
  domainSuspend: define(34, ofDomain, nothing),
  domainResume: define(28, ofDomain, nothing),
  domainPmWakeup: define(267, ofDomainWithFlags, nothing),
  domainDestroy: define(234, ofDomainWithFlags, nothing),
  domainSetMetadata: define(264, struct({ domain, type: int, metadata: optional(text), key: optional(text), uri: optional(text), flags }), nothing),
  domainDefineXml: define(350, struct({ xml: text, flags }), ofDomain),
  domainUndefine: define(231, ofDomainWithFlags, nothing),
  domainAbortJob: define(164, ofDomain, nothing),
  domainBlockJobAbort: define(237, struct({ domain, path: text, flags }), nothing),
  domainFsFreeze: define(335, struct({ domain, mountPoints: listOf(text, MOUNT_POINTS_MAX), flags }), struct({ count: int })),
  domainFsThaw: define(336, struct({ domain, mountPoints: listOf(text, MOUNT_POINTS_MAX), flags }), struct({ count: int })),
  poolLookupByName: define(84, struct({ name: text }), struct({ pool })),
  poolRefresh: define(83, struct({ pool, flags }), nothing),
  poolCreate: define(78, struct({ pool, flags }), nothing),
  poolDestroy: define(80, struct({ pool }), nothing),
  volumeResize: define(260, struct({ volume, capacity: unsignedHyper, flags }), nothing),
  networkCreate: define(39, struct({ network }), nothing),
  networkDefineXml: define(41, xml, struct({ network })),
  networkDestroy: define(42, struct({ network }), nothing),
  networkSetAutostart: define(48, struct({ network, autostart: int }), nothing),
  networkUndefine: define(49, struct({ network }), nothing),
  domainAttachDevice: define(160, struct({ domain, xml: text, flags }), nothing),
  volumeCreateXml: define(93, struct({ pool, xml: text, flags }), struct({ volume })),
  volumeDelete: define(94, struct({ volume, flags }), nothing),
  volumeUpload: define(208, struct({ volume, offset: unsignedHyper, length: unsignedHyper, flags }), nothing),
  /** Marks the domain as tainted: for what has no other way. */
  qemuMonitorCommand: { ...define(1, struct({ domain, command: text, flags }), struct({ answer: text })), program: QEMU_PROGRAM },
  volumeDownload: define(209, struct({ volume, offset: unsignedHyper, length: unsignedHyper, flags }), nothing),
  domainScreenshot: define(211, struct({ domain, screen: uint, flags }), struct({ mediaType: optional(text) })),
  domainOpenConsole: define(201, struct({ domain, device: optional(text), flags }), nothing),
  domainUpdateDevice: define(174, struct({ domain, xml: text, flags }), nothing),
} as const;

const long = {
  domainCreate: define(196, ofDomainWithFlags, ofDomain),
  backupBegin: define(421, struct({ domain, backupXml: text, checkpointXml: optional(text), flags }), nothing),
  checkpointDelete: define(417, struct({ checkpoint, flags }), nothing),
  snapshotCreateXml: define(185, struct({ domain, xml: text, flags }), struct({ snapshot })),
  snapshotRevert: define(192, struct({ snapshot, flags }), nothing),
  snapshotDelete: define(193, struct({ snapshot, flags }), nothing),
  domainBlockCommit: define(290, struct({ domain, disk: text, base: optional(text), top: optional(text), bandwidth: unsignedHyper, flags }), nothing),
} as const;

const copying = {
  volumeCreateXmlFrom: define(125, struct({ pool, xml: text, original: volume, flags }), struct({ volume })),
} as const;

type Defined = Readonly<Record<string, { readonly number: number }>>;
type Named<Group extends Defined> = { readonly [Name in keyof Group]: Group[Name] & { readonly name: string; readonly patience: Patience } };

function withPatience<Group extends Defined>(group: Group, patience: Patience): Named<Group> {
  return Object.fromEntries(Object.entries(group).map(([name, procedure]) => [name, { ...procedure, name, patience }])) as Named<Group>;
}

export const procedures = {
  ...withPatience(quick, 'quick'),
  ...withPatience(slow, 'slow'),
  ...withPatience(long, 'long'),
  ...withPatience(copying, 'copying'),
};

/** What the payload of a hole in a stream is. */
export const streamHole = struct({ length: hyper, flags });

/** virErrorPtr: all but the fields that nobody reads. */
export const serverError = struct({ code: int, domain: int, message: optional(text), level: int });

/** Every event begins with these; what follows differs and is read where it is needed. */
const eventHead = { callbackId: int, domain };
const changed = (eventId: number, procedure: number) => ({ eventId, procedure, message: struct(eventHead) });
const ofDevice = (eventId: number, procedure: number) => ({ eventId, procedure, message: struct({ ...eventHead, device: text }) });

/** Events about domains by what they tell: the id to ask for them with, and the procedure that they come as. */
export const events = {
  lifecycle: { eventId: 0, procedure: 318, message: struct({ ...eventHead, event: int, detail: int }) },
  reboot: changed(1, 319),
  ioError: { eventId: 6, procedure: 324, message: struct({ ...eventHead, path: text, device: text, action: int, reason: text }) },
  diskChange: {
    eventId: 9,
    procedure: 327,
    message: struct({ ...eventHead, oldPath: optional(text), newPath: optional(text), device: text, reason: int }),
  },
  trayChange: { eventId: 10, procedure: 328, message: struct({ ...eventHead, device: text, reason: int }) },
  balloonChange: changed(13, 331),
  deviceRemoved: ofDevice(15, 333),
  blockJob: { eventId: 16, procedure: 339, message: struct({ ...eventHead, disk: text, type: int, status: int }) },
  agent: { eventId: 18, procedure: 348, message: struct({ ...eventHead, state: int, reason: int }) },
  deviceAdded: ofDevice(19, 354),
  deviceKept: ofDevice(22, 367),
  jobCompleted: { eventId: 21, procedure: 363, message: struct({ ...eventHead, params: typedParams(JOB_STATS_MAX) }) },
  metadataChange: changed(23, 379),
} as const;

export type DomainEvents = typeof events;
export type EventName = keyof DomainEvents;
export type EventMessage<Name extends EventName> = ValueOf<DomainEvents[Name]['message']>;
