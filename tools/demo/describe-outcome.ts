import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { formatBytes, HyperError } from '@hypersdk/domain';
import { checkReceipt, parseReceipt } from '@hypersdk/usecases';
import { stateFolder } from '../../apps/hyperexport/src/config.ts';
import { shellWord } from '../../apps/hyperexport/src/output/shell-word.ts';
import { formatFields } from '../../apps/hyperexport/src/output/table.ts';
import { exportIn, exportsIn, readManifest } from './export-and-verify.ts';
import { SAMPLE_NAME, sampleIn } from './sample-vm.ts';
import { bold, commandLine, green, shownPath } from './screen.ts';

/** Where everything lies and what to do with it, told from the files themselves. */
export async function describeOutcome(folder: string): Promise<string> {
  const sample = sampleIn(folder);
  const manifest = await readManifest(folder);
  const [disk] = manifest?.disks ?? [];
  const [receiptName] = manifest?.receipts ?? [];
  if (!disk || receiptName === undefined) throw new HyperError('manifest/malformed', `${shownPath(exportIn(folder))} names no disk with a receipt.`);
  const copy = join(exportIn(folder), disk.file);
  const receipt = join(exportIn(folder), receiptName);
  const publicKey = await findPublicKey(receipt);
  const { size } = await stat(sample.disk);

  const verify = ['verify', exportIn(folder), ...(publicKey === undefined ? [] : ['--public-key', publicKey])];
  const places = [
    ['original', `${shownPath(sample.disk)}, ${formatBytes(size)}`],
    ['copy', `${shownPath(copy)}, ${formatBytes(disk.fileSize)}`],
    ['root digest', disk.content.root],
    ['receipt', shownPath(receipt)],
    ...(publicKey === undefined ? [] : [['public key', shownPath(publicKey)] as const]),
  ] as const;
  const here = [
    ['verify it again', commandLine(verify)],
    ['look inside', commandLine(['inspect', copy])],
    ['compare the disks', commandLine(['compare', sample.disk, copy])],
    [
      'export as raw',
      commandLine(['export', sample.folder, SAMPLE_NAME, '--to', exportsIn(folder), '--format', 'raw', '--name', await freeName(folder)]),
    ],
    ['damage a byte', `printf x | dd of=${shellWord(shownPath(copy))} bs=1 seek=1000000 conv=notrunc status=none`],
  ] as const;
  const own = [
    ['what is there', commandLine(['list', 'FOLDER'])],
    ['export a VM', commandLine(['export', 'FOLDER', 'VM', '--to', 'DIR', '--dry-run'])],
    ['convert an image', commandLine(['convert', 'disk.vmdk', 'disk.qcow2'])],
    ['all the rest', commandLine(['--help'])],
  ] as const;
  return `
${green(bold('Done'))}: the disk of ${SAMPLE_NAME}, ${formatBytes(disk.content.virtualSize)}, went from VMDK to qcow2; every leaf is equal, and a signed receipt says so.

${section(places)}
${bold('Try on it')}
${section(here)}
${bold('Then on disks of your own')}
${section(own)}`;
}

const section = (fields: readonly (readonly [string, string])[]): string => formatFields(fields).replaceAll(/^(?=.)/gm, '   ');

/** This machine's key, when it is the one that signed the receipt. */
async function findPublicKey(receipt: string): Promise<string | undefined> {
  const path = join(stateFolder(process.env), 'keys', 'receipts.pem.pub');
  const key = await readFile(path, 'utf8').catch(() => undefined);
  return key !== undefined && checkReceipt(parseReceipt(await readFile(receipt)), key) ? path : undefined;
}

/** `web-01-2`, or the next that is not taken. */
async function freeName(folder: string): Promise<string> {
  const taken = new Set(await readdir(exportsIn(folder)));
  const number = Array.from(taken, (_, at) => at + 2).find((candidate) => !taken.has(`${SAMPLE_NAME}-${candidate}`)) ?? 2;
  return `${SAMPLE_NAME}-${number}`;
}
