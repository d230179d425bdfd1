import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readYaml } from '../../apps/hyperexport/src/read-yaml.ts';
import { parseLibvirtDomain } from '../../packages/providers/src/files/libvirt-domain.ts';
import { parseOvfMachine } from '../../packages/providers/src/files/ovf/ovf-machine.ts';
import { checkCertificate, parseManifest } from '../../packages/providers/src/files/ovf/ovf-manifest.ts';
import { toText } from '../../packages/providers/src/files/ovf/ovf-package.ts';
import { parseVmxMachine } from '../../packages/providers/src/files/vmx-machine.ts';
import { parseBatchManifest } from '../../packages/usecases/src/batch/batch-manifest.ts';
import { parseArtifactManifest, toArtifactManifest } from '../../packages/usecases/src/manifest/artifact-manifest.ts';
import { unsealedManifest } from '../../packages/usecases/src/manifest/build-export-manifest.ts';
import { canonicalJson } from '../../packages/usecases/src/manifest/canonical-json.ts';
import { parseExportManifest, sealExportManifest, writeDocument } from '../../packages/usecases/src/manifest/export-manifest.ts';
import { receiptBody } from '../../packages/usecases/src/receipt/build-receipt.ts';
import { parseReceipt } from '../../packages/usecases/src/receipt/receipt.ts';
import type { FuzzReader } from '../engine/fuzz-reader.ts';
import { PagedFile } from '../engine/paged-file.ts';
import { sampleOf } from '../engine/sample.ts';

/** What a document says is kept in manifests and shown; one that says endlessly much is not read as one. */
const ANSWER_LENGTH_MAX = 4 * 1024 * 1024;

interface Document {
  readonly seeds: readonly Uint8Array[];
  parse(bytes: Uint8Array): unknown;
  readonly mend?: (bytes: Uint8Array) => Uint8Array;
}

const reader = ({ seeds, parse, mend }: Document): FuzzReader => ({
  changes: 'bytes',
  seeds: () => seeds.map((bytes) => sampleOf({ document: bytes })),
  execute: ({ files: [file] }) => {
    const answer = parse(file?.toBytes() ?? new Uint8Array(0));
    if ((JSON.stringify(answer) ?? '').length > ANSWER_LENGTH_MAX) throw new Error('The document says too much.');
  },
  ...(mend
    ? { mend: (sample) => Object.assign(sample, { files: sample.files.map((file) => PagedFile.from(mend(file.toBytes()), file.path)) }) }
    : {}),
});

const fixture = (name: string): Uint8Array => readFileSync(new URL(`../../packages/providers/src/files/fixtures/${name}`, import.meta.url));
const texts = (...all: readonly string[]): readonly Uint8Array[] => all.map((text) => Buffer.from(text));

/** Names of disks lead nowhere but to a file beside the descriptor. */
function ovfMachine(bytes: Uint8Array): unknown {
  const machine = parseOvfMachine(toText(bytes, 'vm.ovf'));
  for (const { file } of machine.disks) if (/[/\\:\0]|^\.{0,2}$/.test(file)) throw new Error(`A disk lies in ${JSON.stringify(file)}.`);
  return machine;
}

const exported = sealExportManifest(unsealedManifest);

/** The digest of a manifest is made right again, as a forger would. */
function mendManifest(bytes: Uint8Array): Uint8Array {
  try {
    const { selfDigest: _, ...rest } = JSON.parse(Buffer.from(bytes).toString()) as Record<string, unknown>;
    return writeDocument({ ...rest, selfDigest: createHash('sha256').update(canonicalJson(rest)).digest('hex') });
  } catch {
    return bytes;
  }
}

const RECEIPT = { body: receiptBody, signature: { algorithm: 'Ed25519', keyId: 'c'.repeat(64), value: `${'A'.repeat(86)}==` } };

const BATCH = `version: 1
on-error: continue
parallel: 2
limit-rate: 10MiB
defaults: &defaults
  target: /backup
  format: qcow2
  settings: { compression: zstd, verify: 10% }
items:
  - source: /vms   # all of them
    vm: { glob: "web-*" }
  - source: "nbd://server/disk"
    vm: { name: [a, b] }
    target: ./own
    settings:
      verify: full
`;
const ALIASES = `a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\nitems:\n  - source: |\n      /vms\n    target: >-\n      folded\n`;

export const documentReaders = {
  vmx: reader({
    seeds: [fixture('db-01.vmx'), ...texts('.encoding = "windows-1252"\ndisplayName = "a|22b"\nscsi0:0.fileName = "disk.vmdk"\nmemsize = "1024"\n')],
    parse: parseVmxMachine,
  }),
  libvirt: reader({ seeds: [fixture('web-01.xml'), fixture('old-bios.xml')], parse: (bytes) => parseLibvirtDomain(toText(bytes, 'vm.xml')) }),
  ovf: reader({ seeds: [fixture('vmware.ovf'), fixture('virtualbox.ovf')], parse: ovfMachine }),
  'ovf-manifest': reader({
    seeds: texts(`SHA256(vm.ovf)= ${'ab'.repeat(32)}\nSHA1(disk.vmdk)= ${'cd'.repeat(20)}\n`, `SHA512 (a) = ${'0f'.repeat(64)}\r\n`),
    parse: (bytes) => [...parseManifest(toText(bytes, 'vm.mf'))],
  }),
  'ovf-certificate': reader({
    seeds: texts(`SHA256(vm.mf)= ${'0a'.repeat(256)}\n-----BEGIN CERTIFICATE-----\n${'QUJD'.repeat(200)}\n-----END CERTIFICATE-----\n`),
    parse: (bytes) => checkCertificate(toText(bytes, 'vm.cert'), { name: 'vm.mf', bytes: new Uint8Array(3) }),
  }),
  'export-manifest': reader({ seeds: [writeDocument(exported)], parse: parseExportManifest, mend: mendManifest }),
  'artifact-manifest': reader({ seeds: [writeDocument(toArtifactManifest(exported) ?? {})], parse: parseArtifactManifest }),
  receipt: reader({ seeds: [writeDocument(RECEIPT)], parse: parseReceipt }),
  batch: reader({
    seeds: texts(BATCH, ALIASES),
    parse: (bytes) => parseBatchManifest(readYaml(Buffer.from(bytes).toString(), { path: 'batch.yaml', what: 'batch' })),
  }),
} as const satisfies Record<string, FuzzReader>;
