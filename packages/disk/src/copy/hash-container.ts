import type { Crew } from './crew.ts';

/** SHA-256 of a file as it lies on the medium, hexadecimal, computed by one mover beside whatever else they do. */
export async function hashContainer(path: string, tools: { readonly crew: Crew; readonly signal: AbortSignal }): Promise<string> {
  let digest = '';
  await tools.crew.run({ kind: 'container', path }, [0], {
    signal: tools.signal,
    movers: 1,
    on: { done: (result) => (digest = Buffer.from(result.digest ?? []).toString('hex')) },
  });
  return digest;
}
