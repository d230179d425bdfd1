import { createHash } from 'node:crypto';
import { HyperError, type ExportManifest, type Sha256, type VMInfo } from '@hypersdk/domain';
import { canonicalJson } from './canonical-json.ts';
import { exportManifestSchema, vmInfoSchema } from './export-manifest-schema.ts';
import { parseDocument } from './parse-document.ts';

/** Completes a manifest with the digest that a reader checks. What could not be read again is refused here, before it is written. */
export function sealExportManifest(manifest: Omit<ExportManifest, 'selfDigest'>): ExportManifest {
  const sealed = { ...manifest, selfDigest: digestOf(manifest) };
  parseExportManifest(writeDocument(sealed));
  return sealed;
}

/** Reads a manifest that anyone may have written; `manifest/malformed` names the field. An unknown field, a digest that does not hold or a missing part is never read over. */
export function parseExportManifest(bytes: Uint8Array): ExportManifest {
  const { document, json } = parseDocument(bytes, { what: 'export manifest', code: 'manifest/malformed', schema: exportManifestSchema });
  const { selfDigest, ...rest } = { ...(json as object), selfDigest: document.selfDigest };
  if (digestOf(rest) === selfDigest) return document;
  throw new HyperError('manifest/malformed', 'This export manifest was changed or cut short: field selfDigest does not match its content.', {
    detail: { field: 'selfDigest' },
  });
}

/** Refuses, naming the field, what a platform says of a VM when no manifest could hold it. */
export function checkVMInfo(vm: VMInfo): void {
  canonicalJson(vm);
  parseDocument(writeDocument(vm), { what: 'description of a VM', code: 'manifest/malformed', schema: vmInfoSchema });
}

const digestOf = (value: object): Sha256 => createHash('sha256').update(canonicalJson(value)).digest('hex');

/** The spelling on the medium: indented, because people read it too. */
export const writeDocument = (document: object): Uint8Array => new TextEncoder().encode(`${JSON.stringify(document, undefined, 2)}\n`);
