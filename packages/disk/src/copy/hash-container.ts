import type { ByteRange } from '@hypersdk/domain';
import type { Crew } from './crew.ts';

/** SHA-256 of a file, or of a part of it, as it lies on the medium, hexadecimal, computed by one mover beside whatever else they do. */
export async function hashContainer(
  path: string,
  tools: { readonly crew: Crew; readonly signal: AbortSignal; readonly slice?: ByteRange },
): Promise<string> {
  let digest = '';
  await tools.crew.run({ kind: 'container', path, ...(tools.slice ? { slice: tools.slice } : {}) }, [0], {
    signal: tools.signal,
    movers: 1,
    on: { done: (result) => (digest = Buffer.from(result.digest ?? []).toString('hex')) },
  });
  return digest;
}
