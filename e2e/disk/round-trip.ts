import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { KIB, TIB, type ImageRef } from '@hypersdk/domain';
import { imageInspector } from '@hypersdk/disk';
import type { BlockLocator, CopyOutcome, CopyRequest, Transfer } from '@hypersdk/ports';
import { calm } from '@hypersdk/testkit';
import { qemuImg, qemuImgIn, qemuName } from './images/qemu.ts';
import type { SourceImage } from './images/source-image.ts';
import type { TargetSettings } from './target-settings.ts';

/** Common file systems (ext4 with blocks of 4 KiB) hold no longer files. */
const RAW_SIZE_MAX = 16 * TIB - 4 * KIB;

export interface RoundTrip {
  readonly image: SourceImage;
  readonly targets: readonly TargetSettings[];
  /** `sync` for the few copies that are made durable and proven. */
  readonly durability: CopyRequest['durability'];
  readonly folder: string;
  readonly engine: Transfer;
}

/** Formats with tables that qemu-img can check; it knows no check of VHDs. */
const CHECKED_BY_QEMU: ReadonlySet<string> = new Set(['qcow2', 'vmdk', 'vdi', 'vhdx']);

const locate = (image: ImageRef): BlockLocator => ({ kind: 'image', image });

/** Copies an image to every target and the last of them back to raw, and answers what was wrong with any of it, in sentences. */
export async function findFaults({ image, targets, durability, folder, engine }: RoundTrip): Promise<readonly string[]> {
  const faults: string[] = [];
  await mkdir(folder);
  const source = await imageInspector.refer(await image.make(folder), { ...calm, references: image.references ?? 'refuse' });
  if (source.format !== image.format) faults.push(`it is taken for ${source.format}`);
  const content = await engine.digest(locate(source), calm);
  let last: ImageRef | undefined;
  for (const [at, target] of targets.entries()) {
    const path = join(folder, `copy-${at}.${target.settings.format}`);
    const copy: Copying = { engine, source, path, target, durability, digest: at % 2 === 0 ? 'tree' : 'none' };
    try {
      const outcome = await copyTo(copy);
      if (outcome.content && outcome.content.root !== content.root) faults.push(`to ${target.name}: the copy reports another root`);
      last = { path, format: target.settings.format, references: referencesOf(target) };
      faults.push(...(await judge(copy, image)).map((fault) => `to ${target.name}: ${fault}`));
    } catch (error) {
      faults.push(`to ${target.name}: ${String(error)}`);
    }
  }
  if (last)
    faults.push(...(await bringBack({ engine, source: last, path: join(folder, 'back'), durability }, { image, source, root: content.root })));
  return faults;
}

/** A VMDK in several files names them. */
const referencesOf = ({ settings }: TargetSettings): ImageRef['references'] => (/^twoGb|Flat$/.test(settings.subformat ?? '') ? 'beside' : 'refuse');

interface Copying {
  readonly engine: Transfer;
  readonly source: ImageRef;
  readonly path: string;
  readonly target: TargetSettings;
  readonly durability: CopyRequest['durability'];
  readonly digest: CopyRequest['digest'];
}

async function copyTo({ engine, source, path, target, durability, digest }: Copying): Promise<CopyOutcome> {
  return engine.copy(
    {
      source: locate(source),
      sourceMark: await imageInspector.mark(source, calm),
      path,
      settings: target.settings,
      digest,
      durability,
      verifyPercent: 100,
      overwrite: false,
      restart: false,
    },
    calm,
  );
}

/** What QEMU and our own comparison say of a copy, and QEMU of the tables in it. */
async function judge({ engine, source, path, target }: Copying, image: SourceImage): Promise<readonly string[]> {
  const { format } = target.settings;
  const copy: ImageRef = { path, format, references: referencesOf(target) };
  const faults = [await compareByQemu(source, copy, image)];
  const compared = await engine.compare(locate(source), locate(copy), calm);
  if (compared.result !== 'equal') faults.push(compared.what);
  if (CHECKED_BY_QEMU.has(format) && !isLongCheck(target, image)) faults.push(await complaintOf(qemuImg('check', '-q', '-f', format, path)));
  const found = await imageInspector.refer(path, { ...calm, references: referencesOf(target) });
  if (found.format !== format) faults.push(`the copy is taken for ${found.format}`);
  return faults.filter((fault) => fault !== undefined);
}

/** QEMU checks each table of a sparse VMDK, and ours has all of them: a quarter of a minute for 16 TiB, so that of the giants only the first are checked. */
const isLongCheck = ({ settings }: TargetSettings, image: SourceImage): boolean =>
  image.scale === 'giant' && image.format !== 'raw' && settings.subformat === 'monolithicSparse';

/** QEMU walks a VMDK grain by grain and reads all of a VHDX, which takes minutes for terabytes: there our own comparison must do. */
async function compareByQemu(a: ImageRef, b: ImageRef, image: SourceImage): Promise<string | undefined> {
  if (image.scale === 'giant' && [a, b].some(({ format }) => format === 'vmdk' || format === 'vhdx')) return undefined;
  return complaintOf(qemuImgIn(dirname(a.path), 'compare', '-f', qemuName(a.format), '-F', qemuName(b.format), a.path, b.path));
}

const complaintOf = (run: Promise<unknown>): Promise<string | undefined> => run.then(() => undefined, String);

/** The copy of the copy, raw where a file can be that long, has the content of the first image: by QEMU, and by its root where no format rounded its size up. */
async function bringBack(
  back: Pick<Copying, 'engine' | 'source' | 'path' | 'durability'>,
  first: { readonly image: SourceImage; readonly source: ImageRef; readonly root: string },
): Promise<readonly string[]> {
  try {
    const { virtualSize } = await imageInspector.inspect(first.source, calm);
    const format = virtualSize > RAW_SIZE_MAX ? 'qcow2' : 'raw';
    const outcome = await copyTo({ ...back, target: { name: format, settings: { format } }, digest: 'tree' });
    const isRounded = outcome.virtualSize !== virtualSize;
    const fault = await compareByQemu(first.source, { path: back.path, format, references: 'refuse' }, first.image);
    return [
      ...(fault === undefined ? [] : [`back: ${fault}`]),
      ...(isRounded || outcome.content?.root === first.root ? [] : ['back: it has another root']),
      ...(isRounded && virtualSize % 512 === 0 ? [`back: it has ${outcome.virtualSize} bytes instead of ${virtualSize}`] : []),
    ];
  } catch (error) {
    return [`back: ${String(error)}`];
  }
}
