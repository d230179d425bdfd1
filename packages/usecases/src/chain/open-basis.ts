import { HyperError, type DiskParent } from '@hypersdk/domain';
import type { BlockLocator, Cancel, ChangedBlocks, ExportableDisk, ImageInspector, ParentImage, StorageTarget, Transfer } from '@hypersdk/ports';
import { receiptFile } from '../export/export-files.ts';
import { checkReceipt, parseReceipt } from '../receipt/receipt.ts';
import type { ChainLink, LinkedDisk } from './chain-link.ts';
import { chooseParent } from './choose-parent.ts';
import { imageOfChain, leavesOfDisk, pathOfDisk } from './link-image.ts';

/** What an increment of one disk is copied from and put upon. */
export interface Basis {
  readonly parent: DiskParent;
  readonly image: ParentImage;
  /** What to read: all of the disk, or what its source tells of. */
  readonly locator: BlockLocator;
  readonly mark: string;
  readonly changesBy: 'source' | 'comparison';
  /** Why this parent, and why all is read when it is. */
  readonly explanation: string;
}

export interface BasisPorts {
  readonly target: StorageTarget;
  readonly inspector: Pick<ImageInspector, 'layerMarks'>;
  readonly transfer: Pick<Transfer, 'verify'>;
  readonly publicKey: string;
}

interface Wanted {
  readonly source: ExportableDisk;
  readonly links: readonly ChainLink[];
  readonly vm: Parameters<typeof chooseParent>[1];
  readonly changedBlocks?: ChangedBlocks;
}

/** Percentage of the parent's leaves that are read before anything is put upon it, besides those that are touched. The first one always is. */
const SAMPLE_PERCENT = 1;

/** What to put an increment of this disk upon; or the reason why only a full copy is right. */
export async function openBasis(ports: BasisPorts, wanted: Wanted, o: Cancel): Promise<Basis | { readonly reason: string }> {
  const choice = chooseParent(wanted.links, wanted.vm, wanted.source.disk);
  if ('reason' in choice) return choice;
  const { chain } = choice;
  const head = chain.at(-1) ?? chain[0];
  const damage = await findDamage(ports, chain, o);
  if (damage !== undefined) return { reason: `${head.link.name} cannot be built upon: ${damage}` };
  const image = imageOfChain(ports.target, chain);
  const [mark = '', ...lower] = await ports.inspector.layerMarks(image, o);
  if (lower.length + 1 < chain.length) return { reason: `${head.link.name} cannot be built upon: its images do not lie on each other as they did` };
  const { content, file } = head.disk;
  const changes = (await wanted.changedBlocks?.since(wanted.source, head.disk.source.mark, o)) ?? NOBODY_TELLS;
  const differs = changes.kind === 'changed' ? 'marked' : changes.kind === 'unchanged' ? 'nothing' : 'everything';
  return {
    parent: { exportId: head.link.manifest.exportId, export: head.link.name, file, root: content.root, containerDigest: head.disk.containerDigest },
    image: {
      image,
      mark,
      content,
      leavesPath: leavesOfDisk(ports.target, head),
      name: `../${head.link.name}/${file}`,
      differs,
    },
    locator: changes.kind === 'changed' ? changes.locator : wanted.source.locator,
    mark: changes.kind === 'changed' ? changes.mark : wanted.source.mark,
    changesBy: changes.kind === 'unknown' ? 'comparison' : 'source',
    explanation: changes.kind === 'unknown' ? `${choice.explanation}; all of the disk is read, because ${changes.reason}` : choice.explanation,
  };
}

const NOBODY_TELLS = { kind: 'unknown', reason: 'its platform does not tell what changed' } as const;

/** Undefined when all links look as they were recorded, as far as that can be told without reading them whole: the rest is `verify`'s. */
async function findDamage(ports: BasisPorts, chain: readonly [LinkedDisk, ...LinkedDisk[]], o: Cancel): Promise<string | undefined> {
  try {
    for (const linked of chain) {
      const problem = (await findOtherFile(ports, linked, o)) ?? (await findDoubt(ports, linked, o));
      if (problem !== undefined) return problem;
    }
    const head = chain.at(-1) ?? chain[0];
    const request = {
      source: { kind: 'image', image: imageOfChain(ports.target, chain) },
      expected: head.disk.content,
      leavesPath: leavesOfDisk(ports.target, head),
    } as const;
    const seen = await ports.transfer.verify({ ...request, percent: SAMPLE_PERCENT }, o);
    if (seen.leavesMissing) return 'its leaf digests are missing';
    const lower = chain.at(-2);
    const own = lower ? await ports.transfer.verify({ ...request, ...ownPart(ports.target, { head, lower }), percent: 100 }, o) : seen;
    const wrong = [seen, own].find(({ result }) => result === 'different');
    return wrong?.result === 'different' ? wrong.what.replace(/\.$/, '') : undefined;
  } catch (error) {
    if (!(error instanceof HyperError) || o.signal.aborted) throw error;
    return error.message.replace(/\.$/, '');
  }
}

/** What an increment holds itself is about as much as the next one will read: it is looked at whole. */
const ownPart = (target: StorageTarget, { head, lower }: { readonly head: LinkedDisk; readonly lower: LinkedDisk }) => ({
  container: { path: pathOfDisk(target, head), digest: head.disk.containerDigest },
  parent: { content: lower.disk.content, leavesPath: leavesOfDisk(target, lower) },
});

async function findOtherFile({ target }: BasisPorts, { link, disk }: LinkedDisk, o: Cancel): Promise<string | undefined> {
  const name = `${link.name}/${disk.file}`;
  for await (const object of target.list(name, o)) {
    if (object.name === name) return object.size === disk.fileSize ? undefined : `${name} has ${object.size} bytes instead of ${disk.fileSize}`;
  }
  return `${name} is not there`;
}

/** Whoever can change an image can change a manifest, too; a receipt of ours only we can make. */
async function findDoubt({ target, publicKey }: BasisPorts, { link, disk }: LinkedDisk, o: Cancel): Promise<string | undefined> {
  const receipt = parseReceipt(await target.get(`${link.name}/${receiptFile(disk.file)}`, o));
  if (!checkReceipt(receipt, publicKey)) return `the receipt of ${disk.file} in ${link.name} was not signed with this key`;
  const { container, content } = receipt.body;
  const isSame = container.digest === disk.containerDigest && content.root === disk.content.root;
  return isSame ? undefined : `the receipt of ${disk.file} in ${link.name} speaks of another content`;
}
