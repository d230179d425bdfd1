import { createHash } from 'node:crypto';
import { type ArrangeProvider, calm, type Mutant } from '@hypersdk/testkit';
import { facetMutant } from './build-memory-platform.ts';

const imagesMutant = facetMutant('isoImages');

/** Wrong ways to keep images of discs, each with the check that has to find it. */
export const isoImagesMutants: readonly Mutant<ArrangeProvider>[] = [
  imagesMutant('lists no labels', 'an image that was uploaded is listed as it is, and gone when it was deleted', (images) => ({
    list: async (o) => (await images.list(o)).map(({ label: _, ...image }) => image),
  })),
  imagesMutant('believes whatever digest it is given', 'what is not what it was said to be is refused, and nothing is left of it', (images) => ({
    upload: async (image, o) => {
      const pieces = await Array.fromAsync(image.content);
      const digest = createHash('sha256').update(Buffer.concat(pieces)).digest('hex');
      return images.upload(
        {
          ...image,
          digest,
          content: (async function* () {
            yield* pieces;
          })(),
        },
        o,
      );
    },
  })),
  imagesMutant('uploads to the end what was cancelled', 'a cancelled upload rejects with the reason and leaves nothing', (images) => ({
    upload: (image, { onProgress }) => images.upload(image, { ...calm, ...(onProgress ? { onProgress } : {}) }),
  })),
  imagesMutant('puts nothing in', 'a disc that lies in a drive is told to, is not deleted, and can be taken out', () => ({
    attach: async (_id, ref) => ({ drive: 'cd0', location: `${ref.pool}/${ref.name}` }),
  })),
  imagesMutant('leaves the first disc in', 'one disc gives way to the next in the drive that is named', (images) => ({
    attach: async (id, ref, o) => (await images.drives(id, o)).find(({ location }) => location !== undefined) ?? images.attach(id, ref, o),
  })),
  imagesMutant('has whatever drive is named', 'an unknown VM, image or drive is told to be unknown', (images) => ({
    attach: (id, ref, { signal }) => images.attach(id, ref, { signal }),
  })),
];
