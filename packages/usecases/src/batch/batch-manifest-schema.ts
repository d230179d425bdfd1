import { imageFormats } from '@hypersdk/domain';
import { z } from 'zod';
import { packageKinds } from '../package/package-files.ts';

/** PATH_MAX of Linux. */
const path = z.string().min(1).max(4096);
/** The longest pattern and name that VMs are searched by. */
const pattern = z.string().min(1).max(256);
/** Sizes, rates and shares are text for people; whoever runs the batch reads them. */
const amount = z.union([z.string().min(1).max(4096), z.int().min(1)]);

/** A night has room for fewer; a longer file was made by a program that can make two. */
const ITEM_COUNT_MAX = 1_000;
const NAME_COUNT_MAX = 1_000;

/** Choices for what is written, called as the flags of the command line are. */
const batchSettingsSchema = z.strictObject({
  name: z.string().min(1).max(128).optional().describe('folder of the export; for items of one VM'),
  subformat: z.string().min(1).max(64).optional(),
  compression: z.string().min(1).max(16).optional().describe('none, zlib or zstd, with a level: zstd:3'),
  'cluster-size': amount.optional(),
  'refcount-bits': z.int().min(1).max(64).optional(),
  'lazy-refcounts': z.boolean().optional(),
  'extended-l2': z.boolean().optional(),
  compat: z.enum(['2', '3']).optional(),
  preallocation: z.enum(['off', 'metadata', 'falloc', 'full']).optional(),
  verify: amount.optional().describe('full, or the percentage that is read back'),
  'source-format': z.enum(imageFormats).optional(),
  recursive: z.boolean().optional(),
  'follow-references': z.boolean().optional(),
  overwrite: z.boolean().optional().describe('replace an export of this name'),
  'boot-proof': z.boolean().optional().describe('boot the copy in QEMU afterwards'),
  checksums: z.literal('sha256').optional(),
});

const selector = z
  .union([
    z.strictObject({ name: z.union([pattern, z.array(pattern).min(1).max(NAME_COUNT_MAX)]) }),
    z.strictObject({ glob: pattern.describe('* stands for any characters, ? for one') }),
    z.strictObject({ regex: pattern }),
  ])
  .describe('which VMs of the source; all when left out');

const choices = {
  target: path.optional().describe('folder that the exports go to'),
  format: z.enum([...imageFormats, ...packageKinds]).optional(),
  settings: batchSettingsSchema.optional(),
};

const item = z.strictObject({
  provider: z.literal('files').optional(),
  source: path.describe('folder of disk images, or one image'),
  vm: selector.optional(),
  ...choices,
});

export const batchManifestSchema = z.strictObject({
  version: z.literal(1),
  'on-error': z.enum(['stop', 'continue']).optional().describe('after a failure: begin no further item (default), or go on with the others'),
  parallel: z.int().min(1).max(64).optional().describe('disks copied at a time, over all items'),
  'limit-rate': amount.optional().describe('bytes a second over all items; may depend on the time of day'),
  defaults: z.strictObject(choices).optional().describe('for items that do not say otherwise'),
  items: z.array(item).min(1).max(ITEM_COUNT_MAX),
});

export type BatchDocument = z.infer<typeof batchManifestSchema>;

/** Names of the fields that may stand at a place of a batch. */
export function batchFieldsAt(path: readonly PropertyKey[]): readonly string[] {
  const group = path.findLast((part) => typeof part === 'string');
  if (group === 'settings') return Object.keys(batchSettingsSchema.shape);
  if (group === 'vm') return ['name', 'glob', 'regex'];
  if (group === 'defaults') return Object.keys(choices);
  return Object.keys(group === 'items' ? item.shape : batchManifestSchema.shape);
}
