import type { Receipt, ReceiptBody } from '@hypersdk/domain';
import { z } from 'zod';
import {
  anyFileName,
  byteCount,
  consistency,
  contentDigest,
  count,
  fileEncryption,
  imageFormat,
  imageParts,
  sha256,
  text,
  time,
  tool,
} from '../manifest/field-schemas.ts';

const receiptBody = z.strictObject({
  kind: z.literal('hypersdk.receipt'),
  version: z.literal(1),
  tool,
  source: z.strictObject({ provider: text, connection: text, vm: text, disk: text, mark: text, consistency }),
  startedAt: time,
  finishedAt: time,
  content: contentDigest,
  container: z.strictObject({
    file: anyFileName,
    format: imageFormat,
    encryption: fileEncryption.exactOptional(),
    size: byteCount,
    digest: sha256,
    parts: imageParts(anyFileName).exactOptional(),
  }),
  parent: z.strictObject({ root: sha256, containerDigest: sha256 }).exactOptional(),
  verification: z.strictObject({
    mode: z.enum(['full', 'sample']),
    percent: z.number().gt(0).max(100),
    leavesChecked: count,
    result: z.literal('equal'),
  }),
}) satisfies z.ZodType<ReceiptBody>;

export const receiptSchema = z
  .strictObject({
    body: receiptBody,
    signature: z.strictObject({
      algorithm: z.literal('Ed25519'),
      keyId: sha256,
      value: z.string().regex(/^[A-Za-z0-9+/]{86}==$/, 'is not 64 bytes in base64'),
    }),
  })
  .meta({
    title: 'HyperSDK receipt, version 1',
    description: 'Signed proof that what was read from the source is what lies at the target.',
  }) satisfies z.ZodType<Receipt>;
