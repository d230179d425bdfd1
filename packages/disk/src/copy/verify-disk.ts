import { lstatSync } from 'node:fs';
import { leafRange } from '@hypersdk/domain';
import type { BlockLocator, VerifyOutcome, VerifyRequest } from '@hypersdk/ports';
import { openLocator } from '../locator/open-locator.ts';
import { moversFor } from './movers-for.ts';
import { both } from './both.ts';
import { estimateData } from './estimate-data.ts';
import type { RunOptions } from './crew.ts';
import type { JobTools } from './job.ts';
import { hashContainer } from './hash-container.ts';
import { findWrongLeaf, hashDisk, type Hashing } from './hash-leaves.ts';
import { LeafList } from './leaf-list.ts';
import { expectOfLink } from './overlay-leaves.ts';
import { Progress } from './progress.ts';

/** Reads a copy again and says whether it is what was recorded; with a leaf list, where it is not. */
export async function verifyDisk(request: VerifyRequest, tools: JobTools): Promise<VerifyOutcome> {
  const { leavesPath, ...rest } = request;
  if (leavesPath === undefined || lstatSync(leavesPath, { throwIfNoEntry: false }) !== undefined) return verify(request, tools);
  return { ...(await verify(rest, tools)), leavesMissing: true };
}

async function verify(request: VerifyRequest, tools: JobTools): Promise<VerifyOutcome> {
  const { expected } = request;
  const progress = new Progress(expected.virtualSize, tools.report);
  const { size, expectation, movers } = await measure(request, tools);
  if (size < expected.virtualSize)
    return { result: 'different', leavesChecked: 0, what: `The disk has ${size} bytes instead of ${expected.virtualSize}.` };
  progress.enter('verifying', expectation);
  const [content, container] = await both(tools.signal, [
    (signal) => {
      const onLeaf: Hashing['onLeaf'] = (result) => progress.advance(result.leaf, result.dataRead);
      const hashing: Hashing = {
        crew: tools.crew,
        signal,
        ...movers,
        source: request.source,
        virtualSize: expected.virtualSize,
        yieldsToContainers: true,
        onLeaf,
      };
      return request.leavesPath === undefined ? compareRoot(hashing, request) : compareLeaves(hashing, request, request.leavesPath);
    },
    (signal) => findWrongFile(request, { crew: tools.crew, signal }),
  ]);
  if (content.result !== 'equal' || container === undefined) return content;
  const what = `The content of the disk is equal, but the bytes of ${container} are not those that were recorded.`;
  return { result: 'different', leavesChecked: content.leavesChecked, what };
}

/** What to call the first file of the image whose bytes are others than those recorded. */
async function findWrongFile({ container }: VerifyRequest, tools: Parameters<typeof hashContainer>[1]): Promise<string | undefined> {
  if (!container) return undefined;
  const { path, slice, digest, parts = [] } = container;
  if ((await hashContainer(path, { ...tools, ...(slice ? { slice } : {}) })) !== digest) return parts.length === 0 ? 'the file' : path;
  for (const part of parts) if ((await hashContainer(part.path, tools)) !== part.digest) return part.path;
  return undefined;
}

interface Measured {
  readonly size: number;
  readonly expectation: { readonly dataExpected?: number };
  readonly movers: Pick<RunOptions, 'movers'>;
}

async function measure(request: VerifyRequest, tools: JobTools): Promise<Measured> {
  using disk = await openLocator(request.source, tools);
  return { size: disk.virtualSize, expectation: await estimateData(disk, 0), movers: moversFor(disk) };
}

async function compareRoot(hashing: Hashing, { expected }: VerifyRequest): Promise<VerifyOutcome> {
  let leavesChecked = 0;
  const found = await hashDisk({
    ...hashing,
    onLeaf: (result) => {
      leavesChecked += 1;
      hashing.onLeaf?.(result);
    },
  });
  if (found.root === expected.root) return { result: 'equal', leavesChecked };
  return { result: 'different', leavesChecked, what: `The hash tree has the root ${found.root} instead of ${expected.root}.` };
}

async function compareLeaves(hashing: Hashing, request: VerifyRequest, leavesPath: string): Promise<VerifyOutcome> {
  using list = LeafList.open(leavesPath);
  if (!list.addsUpTo(request.expected))
    return {
      result: 'different',
      leavesChecked: 0,
      what: `The leaf list ${leavesPath} does not add up to the recorded root ${request.expected.root}.`,
    };
  using parent = request.parent && LeafList.open(request.parent.leavesPath);
  if (parent && request.parent && !parent.addsUpTo(request.parent.content))
    return { result: 'different', leavesChecked: 0, what: `The leaf list ${request.parent.leavesPath} does not add up to the root of the parent.` };
  const expected = parent ? expectOfLink(parent.entries(), list.entries(), request.expected.virtualSize) : list.entries();
  const { wrong, checked } = await findWrongLeaf(hashing, expected, { percent: request.percent, root: request.expected.root, ...overlayOf(request) });
  if (wrong === undefined) return { result: 'equal', leavesChecked: checked };
  const { offset, length } = leafRange(wrong, request.expected.virtualSize);
  return {
    result: 'different',
    leavesChecked: checked,
    leaf: wrong,
    offset,
    length,
    what: `Leaf ${wrong}, bytes ${offset} to ${offset + length} of the disk, is not what was recorded.`,
  };
}

/** Of a link only what it holds itself: what lies below was looked at as such. */
const overlayOf = ({ parent, source }: VerifyRequest): { readonly overlay?: BlockLocator } =>
  parent && source.kind === 'image' ? { overlay: { ...source, image: { ...source.image, layers: 1 } } } : {};
