// The NBD protocol (NetworkBlockDevice/nbd, doc/proto.md): its numbers. All integers on the wire are big-endian.

/** "NBDMAGIC", the first bytes of every server. */
export const GREETING_MAGIC = 0x4e42444d41474943n;
/** "IHAVEOPT": the newstyle handshake, and every option of a client. */
export const OPTION_MAGIC = 0x49484156454f5054n;
/** What a server of the old style sends in its place; such servers cannot refuse anything in words. */
export const OLD_STYLE_MAGIC = 0x0000420281861253n;
export const OPTION_REPLY_MAGIC = 0x0003e889045565a9n;

export const REQUEST_MAGIC = 0x25609513;
export const EXTENDED_REQUEST_MAGIC = 0x21e41c71;
export const SIMPLE_REPLY_MAGIC = 0x67446698;
export const STRUCTURED_REPLY_MAGIC = 0x668e33ef;
export const EXTENDED_REPLY_MAGIC = 0x6e8a278c;

/** Handshake flags, the same for both sides. */
export const HandshakeFlag = { fixedNewstyle: 1, noZeroes: 2 } as const;

export const Option = {
  exportName: 1,
  abort: 2,
  list: 3,
  startTls: 5,
  info: 6,
  go: 7,
  structuredReply: 8,
  listMetaContext: 9,
  setMetaContext: 10,
  extendedHeaders: 11,
} as const;

export const OptionReply = { ack: 1, server: 2, info: 3, metaContext: 4 } as const;

/** Bit 31 marks an error among the types of option replies. */
export const OPTION_ERROR = 0x80000000;
export const OptionError = {
  unsupported: OPTION_ERROR + 1,
  policy: OPTION_ERROR + 2,
  invalid: OPTION_ERROR + 3,
  platform: OPTION_ERROR + 4,
  tlsRequired: OPTION_ERROR + 5,
  unknownExport: OPTION_ERROR + 6,
  shutdown: OPTION_ERROR + 7,
  blockSizeRequired: OPTION_ERROR + 8,
  tooBig: OPTION_ERROR + 9,
  extendedHeadersRequired: OPTION_ERROR + 10,
} as const;

export const Information = { export: 0, name: 1, description: 2, blockSize: 3 } as const;

export const TransmissionFlag = {
  hasFlags: 1,
  readOnly: 2,
  sendFlush: 4,
  sendFua: 8,
  sendTrim: 32,
  sendWriteZeroes: 64,
  sendDf: 128,
  canMultiConn: 256,
} as const;

export const Command = { read: 0, write: 1, disconnect: 2, flush: 3, trim: 4, cache: 5, writeZeroes: 6, blockStatus: 7 } as const;
export const CommandFlag = { fua: 1, noHole: 2, df: 4, reqOne: 8, fastZero: 16, payloadLength: 32 } as const;

export const Chunk = {
  none: 0,
  offsetData: 1,
  offsetHole: 2,
  blockStatus: 5,
  blockStatusExtended: 6,
  error: 0x8001,
  errorOffset: 0x8002,
} as const;
/** Bit 15 marks an error among the types of chunks. */
export const CHUNK_ERROR = 0x8000;
export const CHUNK_DONE = 1;

/** The errors of the transmission phase are numbered as those of Linux ("Error values"). */
export const ErrorNumber = { EPERM: 1, EIO: 5, ENOMEM: 12, EINVAL: 22, ENOSPC: 28, EOVERFLOW: 75, ENOTSUP: 95, ESHUTDOWN: 108 } as const;

/** Names, and all other strings on the wire ("Values": a string is at most 4096 bytes). */
export const STRING_SIZE_MAX = 4096;
/** Payload that both sides take when nobody said otherwise ("Block size constraints"). */
export const PAYLOAD_SIZE_DEFAULT = 32 * 1024 * 1024;
/** IANA. */
export const NBD_PORT = 10809;

/** Bits of the context `base:allocation`. */
export const AllocationFlag = { hole: 1, zero: 2 } as const;
export const ALLOCATION_CONTEXT = 'base:allocation';
