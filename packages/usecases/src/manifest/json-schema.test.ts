import { readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { batchManifestSchema } from '../batch/batch-manifest-schema.ts';
import { receiptSchema } from '../receipt/receipt-schema.ts';
import { artifactManifestSchema } from './artifact-manifest-schema.ts';
import { exportManifestSchema } from './export-manifest-schema.ts';

const published = [
  ['export-manifest', exportManifestSchema],
  ['artifact-manifest', artifactManifestSchema],
  ['receipt', receiptSchema],
  ['batch-manifest', batchManifestSchema],
] as const;

test.each(published)('the published JSON Schema of the %s is that of the reader (UPDATE_GOLDEN=1 writes it)', (name, schema) => {
  const path = new URL(`../../../../docs/formats/${name}.schema.json`, import.meta.url);
  const json = `${JSON.stringify(z.toJSONSchema(schema, { io: 'input', target: 'draft-2020-12' }), undefined, 2)}\n`;
  if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(path, json);
  expect(readFileSync(path, 'utf8')).toBe(json);
});
