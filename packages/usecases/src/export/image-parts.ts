import { HyperError, type ImagePart, type ReferencePolicy } from '@hypersdk/domain';
import type { CopyOutcome, VerifyRequest } from '@hypersdk/ports';

/** What a copy tells of the files beside the image, for a manifest or receipt in the same folder. */
export function partsOf({ parts }: Pick<CopyOutcome, 'parts'>): { readonly parts?: readonly ImagePart[] } {
  if (!parts) return {};
  return {
    parts: parts.map(({ path, fileSize, containerDigest }) => {
      if (containerDigest === undefined) throw new HyperError('internal/unexpected', 'A copy with proof came back without its digests.');
      return { file: path.slice(path.lastIndexOf('/') + 1), size: fileSize, digest: containerDigest };
    }),
  };
}

interface KnownParts {
  /** Where the files lie, with its slash. */
  readonly home: string;
  readonly parts?: readonly ImagePart[];
}

/** An image may name those files that were recorded with it, and no others. */
export const allowParts = ({ home, parts }: KnownParts): ReferencePolicy =>
  parts ? { listed: parts.map(({ file }) => `${home}${file}`) } : 'refuse';

/** What has to be checked besides the image's own file. */
export const checkedParts = ({ home, parts }: KnownParts): Pick<NonNullable<VerifyRequest['container']>, 'parts'> =>
  parts ? { parts: parts.map(({ file, digest }) => ({ path: `${home}${file}`, digest })) } : {};

/** The same for whoever is told of an earlier copy. */
export const copiedParts = ({ home, parts }: KnownParts): Pick<CopyOutcome, 'parts'> =>
  parts ? { parts: parts.map(({ file, size, digest }) => ({ path: `${home}${file}`, fileSize: size, containerDigest: digest })) } : {};
