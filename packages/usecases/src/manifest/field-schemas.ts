import { imageFormats, type ContentDigest, type FileEncryption, type ImagePart } from '@hypersdk/domain';
import { z } from 'zod';

/** PATH_MAX of Linux: the longest location or name that a platform on it can mean. */
const TEXT_LENGTH_MAX = 4096;

export const text = z.string().max(TEXT_LENGTH_MAX);
export const byteCount = z.int().min(0);
export const count = z.int().min(0);
export const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'is not a SHA-256 in lower-case hexadecimal');
export const time = z.iso.datetime({ error: 'is not a time in ISO 8601, UTC' });
export const imageFormat = z.enum(imageFormats);
export const consistency = z.enum(['crash', 'filesystem', 'application']);
export const tool = z.strictObject({ name: text, version: text });

/** A file that our own exports make: a plain name in the manifest's folder. */
export const exportedFileName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/, 'is not the name of a file beside the manifest');

/** Any file beside the document, whatever its name; never a path. NAME_MAX of Linux is 255 bytes. */
export const anyFileName = z
  .string()
  .max(255)
  .regex(/^(?!\.{1,2}$)[^/\0]+$/, 'is not the name of a file beside the document');

/** More recipients than a header of age may name here. */
const RECIPIENT_COUNT_MAX = 256;

export const fileEncryption = z.strictObject({
  format: z.literal('age'),
  recipients: z.array(text.min(1)).min(1).max(RECIPIENT_COUNT_MAX).exactOptional(),
}) satisfies z.ZodType<FileEncryption>;

export const contentDigest = z.strictObject({
  algorithm: z.literal('sha256'),
  leafSize: z.int().min(1),
  virtualSize: byteCount,
  root: sha256,
}) satisfies z.ZodType<ContentDigest>;

/** As many as an image can consist of, and then some. */
const PART_COUNT_MAX = 1024;

/** The files beside an image that is not one file; `name` says what a file may be called there. */
export const imageParts = (name: z.ZodType<string>): z.ZodType<readonly ImagePart[]> =>
  z
    .array(z.strictObject({ file: name, size: byteCount, digest: sha256 }))
    .min(1)
    .max(PART_COUNT_MAX);
