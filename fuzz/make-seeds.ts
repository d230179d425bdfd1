// Makes the seeds that other programs write, and puts them into the corpus: node fuzz/make-seeds.ts [SEED…]. Needs qemu-img and the programs of guest disks; those that fail are named and left out.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { MIB } from '@hypersdk/domain';
import { corpusFolder } from './engine/load-corpus.ts';
import { toEntry } from './engine/pool.ts';
import { encodeSample, sampleOf } from './engine/sample.ts';
import { guestDisks } from './make-guest-disks.ts';
import { readers } from './readers/readers.ts';

const wanted = process.argv.slice(2);
const SIZE = 3 * MIB + 512;

interface Wish {
  readonly reader: string;
  readonly name: string;
  readonly format: string;
  readonly options?: string;
  readonly args?: readonly string[];
}

const IMAGES: readonly Wish[] = [
  { reader: 'qcow2', name: 'qemu-2', format: 'qcow2', options: 'compat=0.10' },
  { reader: 'qcow2', name: 'qemu-512', format: 'qcow2', options: 'cluster_size=512' },
  { reader: 'qcow2', name: 'qemu-extended', format: 'qcow2', options: 'extended_l2=on,cluster_size=16k' },
  { reader: 'qcow2', name: 'qemu-zlib', format: 'qcow2', args: ['-c'], options: 'cluster_size=4k' },
  { reader: 'qcow2', name: 'qemu-zstd', format: 'qcow2', args: ['-c'], options: 'cluster_size=4k,compression_type=zstd' },
  { reader: 'qcow2', name: 'qemu-refcounts', format: 'qcow2', options: 'refcount_bits=1,lazy_refcounts=on' },
  { reader: 'vmdk', name: 'qemu-sparse', format: 'vmdk', options: 'subformat=monolithicSparse' },
  { reader: 'vmdk', name: 'qemu-stream', format: 'vmdk', options: 'subformat=streamOptimized' },
  { reader: 'vhd', name: 'qemu-dynamic', format: 'vpc' },
  { reader: 'vhd', name: 'qemu-fixed', format: 'vpc', options: 'subformat=fixed' },
  { reader: 'vhdx', name: 'qemu-dynamic', format: 'vhdx', options: 'block_size=1M' },
  { reader: 'vhdx', name: 'qemu-fixed', format: 'vhdx', options: 'subformat=fixed' },
  { reader: 'vdi', name: 'qemu-dynamic', format: 'vdi' },
  { reader: 'vdi', name: 'qemu-static', format: 'vdi', options: 'static=on' },
];

const CHAINS: Readonly<Record<string, () => readonly string[]>> = {
  'qemu-over-raw': () => makeOver('over-raw', { base: ['content'], options: ['-b', 'content', '-F', 'raw'] }),
  'qemu-over-qcow2': () => makeOver('over-qcow2', { base: ['qemu-512'], options: ['-b', 'qemu-512', '-F', 'qcow2', '-o', 'cluster_size=4k'] }),
  'qemu-data-file': () => makeOver('with-data', { base: ['data'], options: ['-o', 'data_file=data'] }),
  'qemu-data-file-raw': () => makeOver('with-raw-data', { base: ['raw-data'], options: ['-o', 'data_file=raw-data,data_file_raw=on'] }),
};

const folder = mkdtempSync(join(tmpdir(), 'fuzz-seeds-'));
try {
  const content = join(folder, 'content');
  const bytes = Buffer.alloc(SIZE);
  for (const at of [0, 70_000, MIB, SIZE - 512]) bytes.write(`some content at ${at} `.repeat(20), at, 'latin1');
  writeFileSync(content, bytes);
  for (const { reader, name, format, options, args = [] } of IMAGES) {
    await keep(reader, name, () => {
      const path = join(folder, name);
      execFileSync('qemu-img', ['convert', '-f', 'raw', '-O', format, ...(options === undefined ? [] : ['-o', options]), ...args, content, path]);
      return path;
    });
  }
  for (const [name, make] of Object.entries(CHAINS)) await keep('qcow2', name, make);
  await keep('ovf-certificate', 'signed', signManifest);
  for (const [name, make] of Object.entries(guestDisks)) await keep('guest', name, () => make(folder, name));
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** Paths of an image and of the files that it names. */
function makeOver(name: string, { base, options }: { readonly base: readonly string[]; readonly options: readonly string[] }): readonly string[] {
  execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', ...options, name, String(2 * SIZE - 512)], { cwd: folder });
  execFileSync('qemu-io', ['-c', 'write -P 7 100k 4k', '-c', 'write -z 200k 64k', name], { cwd: folder, stdio: 'ignore' });
  return [name, ...base].map((file) => join(folder, file));
}

/** Three zeros stand for the manifest that is signed. */
function signManifest(): string {
  const [key, certificate] = [join(folder, 'key'), join(folder, 'certificate')];
  const [manifest, path] = [join(folder, 'manifest'), join(folder, 'vm.cert')];
  const openssl = (...args: readonly string[]): Buffer => execFileSync('openssl', args, { stdio: ['ignore', 'pipe', 'ignore'] });
  openssl('req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=maker', '-days', '36500', '-keyout', key, '-out', certificate);
  writeFileSync(manifest, new Uint8Array(3));
  const signature = openssl('dgst', '-sha256', '-sign', key, manifest).toString('hex');
  writeFileSync(path, `SHA256(vm.mf)= ${signature}\n${readFileSync(certificate, 'utf8')}`);
  return path;
}

async function keep(name: string, seed: string, make: () => string | readonly string[]): Promise<void> {
  if (wanted.length > 0 && !wanted.includes(seed)) return;
  try {
    const reader = await readers[name]?.load();
    if (!reader) return;
    const made = make();
    const files =
      typeof made === 'string' ? { disk: readFileSync(made) } : Object.fromEntries(made.map((path) => [basename(path), readFileSync(path)]));
    const { sample, isSound } = await toEntry(reader, sampleOf(files));
    const encoded = encodeSample(sample);
    mkdirSync(corpusFolder(name), { recursive: true });
    writeFileSync(new URL(`seed-${seed}`, corpusFolder(name)), encoded);
    console.log(`${name}/seed-${seed}: ${encoded.length} bytes${isSound ? '' : ', refused'}`);
  } catch (error) {
    console.error(`${name}/seed-${seed}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
