import { HyperError } from '@hypersdk/domain';
import { SCRATCH_FOLDER_LENGTH_MAX } from './backup/effect-names.ts';
import { isLibvirtUri } from './libvirt-uri.ts';

/** A connection to libvirt, as it is stored. */
export interface LibvirtConfig {
  /** As libvirt spells it: `qemu:///system`, `qemu+ssh://root@host/system`. */
  readonly uri: string;
  /** Whether a server on another machine may be spoken to in plain text. */
  readonly allowsPlaintext: boolean;
  /** Whether nothing may be changed; such a connection needs fewer rights. */
  readonly readOnly: boolean;
  /** On the server, and of its own: where its QEMU may make sockets, and files as large as what guests write during an export. `/var/tmp` by default. */
  readonly scratchFolder: string;
  /** SHA-256 of the server's certificate in hexadecimal: believed instead of an authority. */
  readonly thumbprint?: string;
  /** Who asks, where the server wants a name and password (SASL). */
  readonly user?: string;
  /** A file that only its owner can read, with the password and nothing else. */
  readonly passwordFile?: string;
}

const FIELDS = ['uri', 'allowsPlaintext', 'readOnly', 'scratchFolder', 'thumbprint', 'user', 'passwordFile'];
const SCRATCH_FOLDER = '/var/tmp';
const TEXT_MAX = 4096;

export function parseLibvirtConfig(config: unknown): LibvirtConfig {
  if (typeof config !== 'object' || config === null || Array.isArray(config)) throw invalid('it has to be an object');
  const unknown = Object.keys(config).find((name) => !FIELDS.includes(name));
  if (unknown !== undefined) throw invalid(`there is no field ${JSON.stringify(unknown.slice(0, 80))}; known are ${FIELDS.join(', ')}`);
  const fields: Readonly<Record<string, unknown>> = { ...config };
  const { uri, allowsPlaintext = false, readOnly = false } = fields;
  if (typeof uri !== 'string' || !isLibvirtUri(uri)) throw invalid('uri has to be an address such as qemu:///system');
  if (typeof allowsPlaintext !== 'boolean') throw invalid('allowsPlaintext has to be true or false');
  if (typeof readOnly !== 'boolean') throw invalid('readOnly has to be true or false');
  const thumbprint = textOf(fields, 'thumbprint');
  if (thumbprint !== undefined && !/^[0-9a-f]{64}$/i.test(thumbprint.replaceAll(':', '')))
    throw invalid('thumbprint has to be a SHA-256 in hexadecimal');
  const scratchFolder = textOf(fields, 'scratchFolder') ?? SCRATCH_FOLDER;
  if (!scratchFolder.startsWith('/') || scratchFolder.length > SCRATCH_FOLDER_LENGTH_MAX)
    throw invalid(`scratchFolder has to be a path of at most ${SCRATCH_FOLDER_LENGTH_MAX} characters that begins with a slash`);
  const user = textOf(fields, 'user');
  const passwordFile = textOf(fields, 'passwordFile');
  if ((user === undefined) !== (passwordFile === undefined)) throw invalid('user and passwordFile belong together');
  return {
    uri,
    allowsPlaintext,
    readOnly,
    scratchFolder: scratchFolder.replace(/\/+$/, ''),
    ...(thumbprint === undefined ? {} : { thumbprint }),
    ...(user === undefined ? {} : { user }),
    ...(passwordFile === undefined ? {} : { passwordFile }),
  };
}

function textOf(fields: Readonly<Record<string, unknown>>, name: string): string | undefined {
  const value = fields[name];
  if (value === undefined) return undefined;
  if (typeof value !== 'string' || value === '' || value.length > TEXT_MAX || value.includes('\0')) throw invalid(`${name} has to be text`);
  return value;
}

const invalid = (why: string): HyperError => new HyperError('usage/invalid', `This is not a configuration of the libvirt provider: ${why}.`);
