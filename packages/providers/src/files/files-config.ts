import { HyperError, type ReferencePolicy } from '@hypersdk/domain';

/** Where the images lie and how far the provider may go for them. */
export interface FilesConfig {
  /** A folder of images and descriptors, or a single one of them. */
  readonly path: string;
  /** Whether folders inside the folder are looked through too. */
  readonly recursive: boolean;
  /** Whether files that an image names are read: never, or from its own folder only. */
  readonly references: ReferencePolicy;
}

const FIELDS = ['path', 'recursive', 'references'];

/** Longer than any path that Linux takes (PATH_MAX). */
const PATH_MAX = 4096;

export function parseFilesConfig(config: unknown): FilesConfig {
  if (typeof config !== 'object' || config === null || Array.isArray(config)) throw invalid('it has to be an object');
  const unknown = Object.keys(config).find((name) => !FIELDS.includes(name));
  if (unknown !== undefined) throw invalid(`there is no field ${JSON.stringify(unknown.slice(0, 80))}; known are ${FIELDS.join(', ')}`);

  const {
    path,
    recursive = false,
    references = 'refuse',
  }: { readonly path?: unknown; readonly recursive?: unknown; readonly references?: unknown } = config;
  if (typeof path !== 'string' || path === '' || path.length > PATH_MAX || path.includes('\0'))
    throw invalid('path has to be the path of a folder or file');
  if (typeof recursive !== 'boolean') throw invalid('recursive has to be true or false');
  if (references !== 'refuse' && references !== 'beside') throw invalid('references has to be "refuse" or "beside"');
  return { path, recursive, references };
}

const invalid = (why: string): HyperError => new HyperError('usage/invalid', `This is not a configuration of the files provider: ${why}.`);
