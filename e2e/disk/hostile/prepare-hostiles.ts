import { mkdir, open, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { KIB } from '@hypersdk/domain';
import { hostileQcow2s } from '../../../packages/disk/src/format/qcow2/hostile-qcow2s.ts';
import { hostileVhdxs } from '../../../packages/disk/src/format/vhdx/hostile-vhdxs.ts';
import { hostileVdis } from '../../../packages/disk/src/format/vdi/hostile-vdis.ts';
import { hostileVhds } from '../../../packages/disk/src/format/vhd/hostile-vhds.ts';
import { hostileVmdks } from '../../../packages/disk/src/format/vmdk/hostile-vmdks.ts';
import { isZero } from '../../../packages/disk/src/stream/is-zero.ts';
import type { HostileCase } from './hostile-case.ts';
import { prepareStrangers } from './prepare-strangers.ts';

/** Names that hostile images give their neighbours: these exist, so that refusing is a choice. */
const NEIGHBOURS = ['base.qcow2', 'base.img', 'base.vhd', 'disk.raw', 'other.img', 'parent.vhdx', 'x'];

const PIECE = 64 * KIB;

/** Makes every hostile file under `folder`, each in a folder of its own. */
export async function prepareHostiles(folder: string): Promise<readonly HostileCase[]> {
  const cases: HostileCase[] = [];
  for (const [at, { name, bytes, code, message, references = 'refuse' }] of hostileQcow2s().entries()) {
    // One of them names itself, and must have the name that it names.
    const path = await place(join(folder, `qcow2-${at}`), 'self', bytes);
    cases.push({ name: `qcow2: ${name}`, path, format: 'qcow2', references, code, message });
  }
  for (const [at, { name, bytes, code, message, beside }] of hostileVmdks().entries()) {
    const path = await place(join(folder, `vmdk-${at}`), 'disk.vmdk', bytes);
    for (const [other, content] of Object.entries(beside ?? {})) await writeFile(join(dirname(path), other), content);
    cases.push({ name: `vmdk: ${name}`, path, format: 'vmdk', references: beside ? 'beside' : 'refuse', code, message });
    // Leave to open files beside the image is no leave to open anything else.
    if (!beside && code === 'image/refused-reference' && /[/\\:]|\.\./.test(message))
      cases.push({ name: `vmdk: ${name}, files beside allowed`, path, format: 'vmdk', references: 'beside', code, message });
    // A list of files says which ones may be opened, and not where the image may lead.
    if (code === 'image/refused-reference' && message.startsWith('/etc/')) {
      const listed = [join(dirname(path), 'other.img')];
      cases.push({ name: `vmdk: ${name}, another file listed`, path, format: 'vmdk', references: { listed }, code, message: '' });
    }
  }
  for (const [at, { name, bytes, code, message }] of hostileVhdxs().entries()) {
    const path = await place(join(folder, `vhdx-${at}`), 'disk.vhdx', bytes);
    cases.push({ name: `vhdx: ${name}`, path, format: 'vhdx', references: 'refuse', code, message });
    if (code === 'image/refused-reference' && !/called (?:\.\\)?parent/.test(name))
      cases.push({ name: `vhdx: ${name}, files beside allowed`, path, format: 'vhdx', references: 'beside', code, message });
  }
  for (const [at, { name, bytes, code, message }] of hostileVhds().entries()) {
    const path = await place(join(folder, `vhd-${at}`), 'disk.vhd', bytes);
    cases.push({ name: `vhd: ${name}`, path, format: 'vhd', references: 'refuse', code, message });
    if (code === 'image/refused-reference' && name !== 'a parent beside, not allowed')
      cases.push({ name: `vhd: ${name}, files beside allowed`, path, format: 'vhd', references: 'beside', code, message });
  }
  for (const [at, { name, bytes, code, message }] of hostileVdis().entries()) {
    const path = await place(join(folder, `vdi-${at}`), 'disk.vdi', bytes);
    cases.push({ name: `vdi: ${name}`, path, format: 'vdi', references: 'refuse', code, message });
  }
  return [...cases, ...(await prepareStrangers(join(folder, 'strangers')))];
}

async function place(folder: string, name: string, bytes: Uint8Array): Promise<string> {
  await mkdir(folder, { recursive: true });
  for (const neighbour of NEIGHBOURS) await writeFile(join(folder, neighbour), Buffer.alloc(64 * KIB));
  await writeSparse(join(folder, name), bytes);
  return join(folder, name);
}

/** Images of formats that align to mebibytes are mostly zeros: those stay holes. */
async function writeSparse(path: string, bytes: Uint8Array): Promise<void> {
  await using file = await open(path, 'w');
  await file.truncate(bytes.length);
  for (let at = 0; at < bytes.length; at += PIECE) {
    const piece = bytes.subarray(at, at + PIECE);
    if (!isZero(piece)) await file.write(piece, 0, piece.length, at);
  }
}
