import { statfsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { sharesBlocks } from '@hypersdk/domain';
import { imageWriters } from '../format/formats.ts';
import { nativeFs } from '../native/load.ts';
import type { CopyJob } from './job.ts';
import type { CopyTaskSpec } from './messages.ts';

/**
 * Bytes that must be seen (digest, encoding, encryption, a rate limit) go through buffers. Others go straight to their place: inside the kernel when blocks can be
 * shared or least CPU is asked for, otherwise piece by piece.
 */
export function chooseMethod({ request, plan, source }: CopyJob): CopyTaskSpec['method'] {
  const mustSee = request.digest !== 'none' || request.rateLimit !== undefined || request.encryption !== undefined || isEncoded(plan, request);
  if (mustSee || !source.locate) return 'buffers';
  if (!nativeFs().copyRange) return 'pieces';
  if (canShareBlocks(source.files[0]?.path, request.path)) return 'share';
  return request.effort === 'economy' ? 'kernel' : 'pieces';
}

function isEncoded(plan: CopyJob['plan'], request: CopyJob['request']): boolean {
  using encoder = imageWriters[request.settings.format].encoder(plan);
  return encoder !== undefined;
}

function canShareBlocks(sourcePath: string | undefined, targetPath: string): boolean {
  if (sourcePath === undefined) return false;
  const folder = dirname(targetPath);
  return statSync(sourcePath).dev === statSync(folder).dev && sharesBlocks(statfsSync(folder).type);
}
